import { referenceOf } from "@sluice/contracts";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { chatAnswerOf, errorOf } from "./testing/answers.ts";
import { bundleOf, candidateOf, routingOf } from "./testing/routing-fixture.ts";
import { type RunningTestGateway, startGateway, until } from "./testing/running-gateway.ts";
import { type SimulatedUpstream, says, startSimulatedUpstream } from "./testing/simulated-upstream.ts";

let upstream: SimulatedUpstream;
let gateway: RunningTestGateway;

beforeEach(async () => {
  upstream = await startSimulatedUpstream();
  gateway = await startGateway({
    settings: { providers: { simulated: { baseUrl: upstream.baseUrl } }, probeKey: "let-me-choose" },
    routings: [routingOf(1)],
  });
});
afterEach(async () => {
  await gateway.stop();
  await upstream.close();
});

const ask = (body: object, headers: Record<string, string> = {}) =>
  fetch(`${gateway.address}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify({ model: "support-bot", messages: [{ role: "user", content: "Hi" }], ...body }),
  });

const candidate = bundleOf("candidate");

describe("a request", () => {
  it("is rendered from the bundle and answered with what was served", async () => {
    const response = await ask({ temperature: 1, seed: 7, metadata: { tier: "gold" } });
    const answer = await chatAnswerOf(response);
    expect(response.status).toBe(200);
    expect(answer.choices[0]?.message.content).toBe("Hello.");
    expect(response.headers.get("x-sluice-arm")).toBe("baseline");
    expect(response.headers.get("x-sluice-bundle")).toBe(referenceOf(bundleOf("baseline")).digest);
    expect(response.headers.get("x-sluice-release")).toBeNull();
    expect(upstream.requests).toHaveLength(1);
    expect(upstream.requests[0]?.path).toBe("/v1/chat/completions");
    expect(upstream.requests[0]?.body).toEqual({
      model: "model-baseline",
      temperature: 0,
      seed: 7,
      metadata: { tier: "gold" },
      messages: [
        { role: "system", content: "You are baseline." },
        { role: "user", content: "Hi" },
      ],
    });
  });

  it("is observed", async () => {
    await ask({ user: "jane@example.org" });
    await until(() => gateway.observations().length === 1);
    const [observation] = gateway.observations();
    expect(observation).toMatchObject({
      application: "support-bot",
      arm: "baseline",
      role: "user",
      releaseId: null,
      status: 200,
      errorClass: null,
      refused: false,
      inputTokens: 7,
      outputTokens: 3,
      finishReason: "stop",
      streamed: false,
      gatewayId: gateway.gatewayId,
    });
    expect(observation?.servedBundle).toBe(observation?.assignedBundle);
    expect(JSON.stringify(observation)).not.toContain("jane");
  });

  it("for an unknown model is answered as OpenAI does", async () => {
    const response = await ask({ model: "nobody" });
    expect(response.status).toBe(404);
    expect(await errorOf(response)).toMatchObject({ code: "model_not_found", param: "model" });
    expect(upstream.requests).toHaveLength(0);
  });

  it.each([
    ["no JSON", "{", 400],
    ["an array", "[]", 400],
    ["no model", "{}", 400],
    ["no messages", JSON.stringify({ model: "support-bot" }), 400],
  ])("with %s is refused in one sentence", async (_what, body, status) => {
    const response = await fetch(`${gateway.address}/v1/chat/completions`, { method: "POST", body });
    expect(response.status).toBe(status);
    expect((await errorOf(response)).message).toMatch(/must/);
  });
});

describe("assignment", () => {
  it("keeps a conversation on its arm, and only a larger share moves anybody", async () => {
    const armsAt = async (version: number, share: number) => {
      await gateway.route(routingOf(version, { candidate: candidateOf(candidate, { share }) }));
      const arms = new Map<string, string | null>();
      for (let i = 0; i < 60; i += 1) {
        const response = await ask({}, { "x-sluice-conversation": `conversation-${i}` });
        await response.arrayBuffer();
        arms.set(`conversation-${i}`, response.headers.get("x-sluice-arm"));
      }
      return arms;
    };
    const none = await armsAt(2, 0);
    const quarter = await armsAt(3, 0.25);
    const again = await armsAt(4, 0.25);
    const half = await armsAt(5, 0.5);
    expect([...none.values()]).not.toContain("candidate");
    expect(again).toEqual(quarter);
    expect([...quarter.values()]).toContain("candidate");
    for (const [key, arm] of quarter) if (arm === "candidate") expect(half.get(key)).toBe("candidate");
    expect(new Set(half.values()).size).toBe(2);
  });

  it("honours a tester's arm only with the key, and keeps it apart from user traffic", async () => {
    await gateway.route(routingOf(2, { candidate: candidateOf(candidate, { share: 0 }) }));
    const wish = { "x-sluice-arm": "candidate", "x-sluice-probe": "case-1" };
    expect((await ask({}, wish)).headers.get("x-sluice-arm")).toBe("baseline");
    expect((await ask({}, { ...wish, "x-sluice-key": "guess" })).status).toBe(403);
    const probe = await ask({}, { ...wish, "x-sluice-key": "let-me-choose" });
    expect(probe.headers.get("x-sluice-arm")).toBe("candidate");
    expect(probe.headers.get("x-sluice-release")).toBe("release-1");
    await until(() => gateway.observations().length === 2);
    expect(gateway.observations().map(({ role, arm }) => [role, arm])).toEqual([
      ["user", "baseline"],
      ["probe", "candidate"],
    ]);
  });

  it("shows a bundle that is not what the routing says", async () => {
    const lie = { ...candidateOf(candidate, { share: 1 }), digest: referenceOf(bundleOf("another")).digest };
    await gateway.route(routingOf(2, { candidate: lie }));
    await ask({});
    await until(() => gateway.observations().length === 1);
    const [observation] = gateway.observations();
    expect(observation?.assignedBundle).toBe(lie.digest);
    expect(observation?.servedBundle).toBe(referenceOf(candidate).digest);
  });
});

describe("watermarks and reports", () => {
  it("moves the watermark of an application with a candidate although nothing happens", async () => {
    await gateway.route(routingOf(2, { candidate: candidateOf(candidate) }));
    await until(() => gateway.batches.length >= 3);
    const throughs = gateway.batches.map((event) => (event._tag === "ObservationsRecorded" ? event.through : ""));
    expect([...throughs].sort()).toEqual(throughs);
    expect(new Set(gateway.batches.map((event) => "batchId" in event && event.batchId)).size).toBe(
      gateway.batches.length,
    );
  });

  it("says when the candidate was last served, and goodbye at the end", async () => {
    await gateway.route(routingOf(2, { candidate: candidateOf(candidate, { share: 1 }) }));
    const before = Date.now();
    await ask({});
    await until(() => gateway.reports.at(-1)?.candidateLastServedAt["support-bot"] !== undefined);
    expect(Date.parse(gateway.reports.at(-1)?.candidateLastServedAt["support-bot"] ?? "")).toBeGreaterThanOrEqual(
      before,
    );
    await ask({});
    await gateway.stop();
    expect(gateway.reports.at(-1)).toMatchObject({ live: false, routing: { "support-bot": 2 } });
    expect(gateway.observations()).toHaveLength(2);
  });

  it("never goes back to a lower routing version", async () => {
    await gateway.route(routingOf(5));
    await gateway.publish(routingOf(4, { candidate: candidateOf(candidate, { share: 1 }) }));
    await gateway.route(routingOf(6));
    expect(gateway.reports.map(({ routing }) => routing["support-bot"])).not.toContain(4);
    expect((await ask({})).headers.get("x-sluice-arm")).toBe("baseline");
  });
});

describe("payloads", () => {
  it("go with the sampled observations of both arms, redacted", async () => {
    upstream.behave = says("Write to jane@example.org.");
    await gateway.route(routingOf(2, { candidate: candidateOf(candidate, { share: 0.5, payloadSampleRate: 1 }) }));
    for (let i = 0; i < 20; i += 1) {
      await ask({ messages: [{ role: "user", content: "My key is sk-abcdefghijklmnop1234" }], user: `u-${i}` });
    }
    await until(() => gateway.observations().length === 20);
    expect(new Set(gateway.observations().map(({ arm }) => arm)).size).toBe(2);
    for (const { payload } of gateway.observations()) {
      expect(payload).toEqual({ input: "My key is [key]", output: "Write to [email]." });
    }
  });
});

describe("other paths", () => {
  it("lists applications as models", async () => {
    const list = await (await fetch(`${gateway.address}/v1/models`)).json();
    expect(list).toMatchObject({ data: [{ id: "support-bot", object: "model", owned_by: "sluice" }] });
    expect((await fetch(`${gateway.address}/v1/models/support-bot`)).status).toBe(200);
    expect((await fetch(`${gateway.address}/v1/models/nobody`)).status).toBe(404);
  });

  it("says that it lives, is ready, and what it counted", async () => {
    await ask({});
    expect((await fetch(`${gateway.address}/healthz`)).status).toBe(200);
    expect((await fetch(`${gateway.address}/readyz`)).status).toBe(200);
    const metrics = await (await fetch(`${gateway.address}/metrics`)).text();
    expect(metrics).toContain(
      'sluice_gateway_requests_total{application="support-bot",arm="baseline",end="answered"} 1',
    );
    expect(metrics).toContain(
      'gen_ai_client_token_usage_total{gen_ai_request_model="support-bot",arm="baseline",gen_ai_token_type="output"} 3',
    );
    expect((await fetch(`${gateway.address}/v1/chat/completions`)).status).toBe(405);
    expect((await fetch(`${gateway.address}/nothing`)).status).toBe(404);
  });
});
