import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, assert, describe, it } from "@effect/vitest";
import type { Bundle } from "@sluice/contracts";
import type { Behaviour } from "./behaviour.ts";
import { evalSetOf, runEvalSet } from "./eval-run.ts";
import { startModelServer } from "./model-server.ts";
import { taskOf } from "./task.ts";
import { simulateUsers } from "./users.ts";
import { startWebhookReceiver } from "./webhook-receiver.ts";

const behaviour: Behaviour = {
  wrongRate: { otherwise: 0 },
  proseRate: { otherwise: 0.5 },
  leakRate: 0,
  overRefusalRate: 0,
  errorRate: 0,
  latencyMedianMs: 1,
  latencySigma: 0.1,
  capacityPerSecond: null,
};
const bundle: Bundle = {
  prompt: { kind: "prompt", messages: [] },
  model: { kind: "model", provider: "simulated", model: "v1", parameters: {} },
};

const closing: Array<() => Promise<unknown>> = [];
afterEach(async () => {
  await Promise.all(closing.splice(0).map((close) => close()));
});

const models = async (v1: Behaviour) => {
  const server = await startModelServer({ port: 0, seed: 3, models: { v1 } });
  closing.push(server.close);
  return server.baseUrl;
};

interface Sent {
  readonly conversation: string;
  readonly body: string;
}

/** Stands where a gateway stands: answers and keeps what was sent. */
const gateway = async (respond: (response: ServerResponse, sent: Sent) => void) => {
  const sent: Array<Sent> = [];
  const http = createServer(async (request, response) => {
    const chunks: Array<Buffer> = [];
    for await (const chunk of request) chunks.push(chunk);
    const one = {
      conversation: String(request.headers["x-sluice-conversation"]),
      body: Buffer.concat(chunks).toString(),
    };
    sent.push(one);
    respond(response, one);
  });
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  closing.push(async () => {
    http.closeAllConnections();
    await new Promise((resolve) => http.close(resolve));
  });
  return { url: `http://127.0.0.1:${(http.address() as AddressInfo).port}/v1`, sent };
};

const users = { application: "shop", requestsPerSecond: 400, seed: 5, mix: { refund: 1 }, streamShare: 0.5 } as const;

describe("the model server", () => {
  it("says the same streamed and whole, and says that it is simulated", async () => {
    const baseUrl = await models(behaviour);
    const ask = (number: number, stream: boolean) =>
      fetch(`${baseUrl}/chat/completions`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({
          model: "v1",
          stream,
          messages: [{ role: "user", content: taskOf("refund", number).text }],
        }),
      });
    for (let number = 0; number < 20; number++) {
      const [whole, streamed] = await Promise.all([ask(number, false), ask(number, true)]);
      assert.strictEqual(whole.headers.get("x-simulated"), "true");
      assert.strictEqual(streamed.headers.get("x-simulated"), "true");
      const lines = (await streamed.text()).split("\n\n").filter((line) => line !== "");
      assert.strictEqual(lines.at(-1), "data: [DONE]");
      const parts = lines.slice(0, -1).map((line) => JSON.parse(line.slice("data: ".length)).choices[0].delta.content);
      assert.strictEqual(parts.join(""), JSON.parse(await whole.text()).choices[0].message.content);
    }
  });
});

describe("an eval run", () => {
  it("waits where a quota says so, and loses no case", async () => {
    const baseUrl = await models({ ...behaviour, proseRate: { otherwise: 0 }, capacityPerSecond: 50 });
    const cases = evalSetOf({ refund: 90 });
    const lines = await runEvalSet(baseUrl, bundle, cases);
    assert.deepStrictEqual(
      lines.map(({ case_id, passed }) => [case_id, passed]),
      cases.map(({ caseId }) => [caseId, true]),
    );
  });

  it("reports what the server cannot answer as an error, not as a wrong answer", async () => {
    const baseUrl = await models({ ...behaviour, errorRate: 1 });
    const [line] = await runEvalSet(baseUrl, bundle, evalSetOf({ refund: 1 }));
    assert.deepInclude(line, { error: "status 500" });
    assert.isUndefined(line?.passed);
  });
});

describe("simulated users", () => {
  it("ask in conversations, some of them streamed, and count by arm what came back", async () => {
    const stop = new AbortController();
    const { url, sent } = await gateway((response, { conversation }) => {
      const candidate = conversation.endsWith("1");
      response.writeHead(candidate ? 500 : 200, { "x-sluice-arm": candidate ? "candidate" : "baseline" }).end("{}");
      if (sent.length >= 600) stop.abort();
    });
    const tally = await simulateUsers({ ...users, gatewayUrl: url, signal: stop.signal });
    assert.strictEqual(tally.sent, sent.length);
    assert.strictEqual(tally.failed, tally.byArm.candidate);
    assert.strictEqual((tally.byArm.candidate ?? 0) + (tally.byArm.baseline ?? 0), sent.length);
    // 200 conversations of three turns take turns; what was sent after the 600th begins new ones.
    assert.closeTo(new Set(sent.map(({ conversation }) => conversation)).size, 200 + sent.length - 600, 1);
    const streamed = sent.filter(({ body }) => JSON.parse(body).stream === true).length;
    // Four standard errors of a proportion of 600.
    assert.closeTo(streamed / sent.length, 0.5, 0.082);
  });

  it("ask the same with the same seed", async () => {
    const asked = async () => {
      const stop = new AbortController();
      const { url, sent } = await gateway((response) => {
        response.end("{}");
        if (sent.length >= 50) stop.abort();
      });
      await simulateUsers({ ...users, gatewayUrl: url, signal: stop.signal });
      return new Set(sent.slice(0, 40).map(({ body }) => body));
    };
    const [first, second] = [await asked(), await asked()];
    assert.isAtLeast([...first].filter((body) => second.has(body)).length, 35);
  });

  it("count a gateway that is gone as failures, and stop when told", async () => {
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 100);
    const tally = await simulateUsers({ ...users, gatewayUrl: "http://127.0.0.1:1/v1", signal: stop.signal });
    assert.isAbove(tally.sent, 0);
    assert.strictEqual(tally.failed, tally.sent);
  });
});

describe("the webhook receiver", () => {
  it("keeps what was posted", async () => {
    const seen: Array<unknown> = [];
    const receiver = await startWebhookReceiver((page) => seen.push(page));
    closing.push(receiver.close);
    const response = await fetch(receiver.url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ dedup_key: "k" }),
    });
    assert.strictEqual(response.status, 202);
    assert.deepStrictEqual(receiver.received, [{ dedup_key: "k" }]);
    assert.deepStrictEqual(seen, receiver.received);
  });
});
