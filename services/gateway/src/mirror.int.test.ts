import { referenceOf } from "@sluice/contracts";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { bundleOf, candidateOf, routingOf } from "./testing/routing-fixture.ts";
import { type RunningTestGateway, startGateway, until } from "./testing/running-gateway.ts";
import {
  answersJson,
  type Behaviour,
  chatAnswer,
  fails,
  hangs,
  resetsBeforeHead,
  type SimulatedUpstream,
  says,
  startSimulatedUpstream,
} from "./testing/simulated-upstream.ts";

const candidate = bundleOf("candidate");
const limits = { sampleRate: 1, concurrency: 4, queueLimit: 8, timeoutMs: 10_000 };

let upstream: SimulatedUpstream;
let gateway: RunningTestGateway;
let candidateBehaves: Behaviour;
let baselineBehaves: Behaviour;

beforeEach(async () => {
  candidateBehaves = says("The candidate says hello.");
  baselineBehaves = says("The baseline says hello.");
  upstream = await startSimulatedUpstream((response, request) => {
    const behave = request.body?.model === "model-candidate" ? candidateBehaves : baselineBehaves;
    behave(response, request);
  });
  gateway = await startGateway({
    settings: { providers: { simulated: { baseUrl: upstream.baseUrl } } },
    routings: [routingOf(1, { candidate: candidateOf(candidate, { mirror: limits }) })],
  });
});
afterEach(async () => {
  await gateway.stop();
  await upstream.close();
});

const ask = async (more: object = {}) => {
  const response = await fetch(`${gateway.address}/v1/chat/completions`, {
    method: "POST",
    body: JSON.stringify({ model: "support-bot", messages: [{ role: "user", content: "Hi" }], ...more }),
  });
  const text = await response.text();
  return { response, text };
};

const metrics = async () => (await fetch(`${gateway.address}/metrics`)).text();
const candidateRequests = () => upstream.requests.filter(({ body }) => body?.model === "model-candidate").length;
/** Whatever was copied has ended. */
const untilNothingIsMirrored = async () => {
  while (!(await metrics()).includes("sluice_gateway_mirror_pending 0\n"));
};

const toolResult = (content: string) => ({ role: "tool", tool_call_id: "call-look_up", content });

describe("a candidate in shadow", () => {
  it.each([false, true])(
    "answers the same request, and the user gets the baseline's (streamed: %s)",
    async (stream) => {
      const { response, text } = await ask({ stream });
      expect(response.headers.get("x-sluice-arm")).toBe("baseline");
      expect(text).not.toContain("candidate");
      await until(() => gateway.pairs().length === 1);
      expect(gateway.pairs()[0]).toMatchObject({
        application: "support-bot",
        releaseId: "release-1",
        input: "Hi",
        baseline: {
          bundle: referenceOf(bundleOf("baseline")).digest,
          output: "The baseline says hello.",
          errorClass: null,
        },
        candidate: {
          bundle: referenceOf(candidate).digest,
          output: "The candidate says hello.",
          errorClass: null,
          finishReason: "stop",
        },
      });
      expect(upstream.requests[1]?.body).toMatchObject({ messages: [{ content: "You are candidate." }, {}] });
      await until(() => gateway.observations().length === 1);
    },
  );

  it.each([
    { what: "hangs", behave: hangs, errorClass: "timeout" },
    { what: "resets", behave: resetsBeforeHead, errorClass: "connection" },
    { what: "fails", behave: fails(500, "no"), errorClass: "upstream-5xx" },
  ])("that $what changes nothing for users, and its error is in the pair", async ({ behave, errorClass }) => {
    candidateBehaves = behave;
    const timeoutMs = 1_500;
    await gateway.route(routingOf(2, { candidate: candidateOf(candidate, { mirror: { ...limits, timeoutMs } }) }));
    const asked = await Promise.all(Array.from({ length: 20 }, () => ask()));
    expect(new Set(asked.map(({ response }) => response.status))).toEqual(new Set([200]));
    await until(() => gateway.pairs().length > 0);
    for (const pair of gateway.pairs()) expect(pair.candidate).toMatchObject({ errorClass, output: "" });
    expect(gateway.observations().every(({ errorClass: own }) => own === null)).toBe(true);
  });

  it("that is slow by 30 s keeps no user waiting", async () => {
    candidateBehaves = (response, request) => {
      setTimeout(() => says("At last.")(response, request), 30_000).unref();
    };
    const mirror = { ...limits, timeoutMs: 60_000 };
    await gateway.route(routingOf(2, { candidate: candidateOf(candidate, { mirror }) }));
    const asked = await Promise.all(Array.from({ length: 40 }, () => ask()));
    expect(new Set(asked.map(({ response }) => response.status))).toEqual(new Set([200]));
    // All users have their answers while not one of the mirrored calls has its own.
    expect(gateway.pairs()).toHaveLength(0);
    await until(() => candidateRequests() === limits.concurrency);
  });

  it("meets a conversation's recorded tool results, runs no tool, and its first divergence is marked", async () => {
    const toolCall = (name: string, args: object) => ({
      id: `call-${name}`,
      type: "function",
      function: { name, arguments: JSON.stringify(args) },
    });
    const lookUp = toolCall("look_up", { order: 7 });
    baselineBehaves = answersJson(chatAnswer("", { tool_calls: [lookUp] }));
    candidateBehaves = answersJson(chatAnswer("", { tool_calls: [lookUp] }));
    const question = { role: "user", content: "Where is my order?" };
    await ask({ messages: [question] });
    await until(() => gateway.pairs().length === 1);
    // The next turn: the application has run the baseline's tool, and sends what it found.
    const recorded = [question, { role: "assistant", tool_calls: [lookUp] }, toolResult("On its way.")];
    baselineBehaves = says("It is on its way.");
    candidateBehaves = answersJson(chatAnswer("", { tool_calls: [toolCall("refund", { order: 7 })] }));
    await ask({ messages: recorded });
    await until(() => gateway.pairs().length === 2);
    expect(gateway.pairs().map(({ toolDivergence }) => toolDivergence)).toEqual([
      null,
      { turn: 1, call: 0, kind: "extra-call" },
    ]);
    expect(upstream.requests.at(-1)?.body).toMatchObject({
      model: "model-candidate",
      messages: [{ role: "system" }, question, { role: "assistant" }, { role: "tool", content: "On its way." }],
    });
  });

  it("is asked no more than the bounds allow, and what was dropped is counted", async () => {
    candidateBehaves = hangs;
    // None of them ends while users ask, however slow the machine is.
    const mirror = { ...limits, timeoutMs: 60_000 };
    await gateway.route(routingOf(2, { candidate: candidateOf(candidate, { mirror }) }));
    let mostAtOnce = 0;
    const watch = setInterval(() => {
      mostAtOnce = Math.max(mostAtOnce, upstream.busy());
    }, 1);
    for (let i = 0; i < 40; i += 1) await ask();
    clearInterval(watch);
    await until(() => gateway.reports.at(-1)?.dropped.mirrored === 40 - limits.concurrency - limits.queueLimit);
    await until(() => candidateRequests() === limits.concurrency);
    // Four mirrored calls, and the one user request under way.
    expect(mostAtOnce).toBeLessThanOrEqual(5);
  });

  it("is not asked what would take more memory than allowed, long answers of the baseline included", async () => {
    await gateway.stop();
    gateway = await startGateway({
      settings: { providers: { simulated: { baseUrl: upstream.baseUrl } }, maxMirrorQueueBytes: 10_000 },
      routings: [routingOf(1, { candidate: candidateOf(candidate, { mirror: limits }) })],
    });
    baselineBehaves = says("x".repeat(10_000));
    await ask();
    baselineBehaves = says("Hello.");
    await ask();
    await until(() => gateway.pairs().length === 1);
    expect(await metrics()).toContain('sluice_gateway_mirror_dropped_total{reason="memory"} 1\n');
    expect(gateway.pairs()[0]?.baseline.output).toBe("Hello.");
  });

  it("is sampled as policy says, by a fixed property of the request", async () => {
    await gateway.route(
      routingOf(2, { candidate: candidateOf(candidate, { mirror: { ...limits, sampleRate: 0.3, queueLimit: 500 } }) }),
    );
    for (let i = 0; i < 200; i += 1) await ask();
    await untilNothingIsMirrored();
    // Binomial(200, .3): 60 ± 6.5; outside of 60 ± 33 once in 3 million runs.
    expect(Math.abs(candidateRequests() - 60)).toBeLessThan(33);
  });

  it("marks the pairs whose texts policy does not let be kept", async () => {
    const mirror = { ...limits, queueLimit: 500, payloadSampleRate: 0 };
    await gateway.route(routingOf(2, { candidate: candidateOf(candidate, { mirror }) }));
    await ask();
    await until(() => gateway.pairs().length === 1);
    await gateway.route(
      routingOf(3, { candidate: candidateOf(candidate, { mirror: { ...mirror, payloadSampleRate: 1 } }) }),
    );
    await ask();
    await until(() => gateway.pairs().length === 2);
    expect(gateway.pairs().map(({ textsKept }) => textsKept)).toEqual([false, undefined]);
  });

  it("is not asked what the baseline could not answer, nor once its shadow is over", async () => {
    upstream.behave = fails(500, "no");
    await ask();
    upstream.behave = says("Fine.");
    await gateway.route(routingOf(3, { candidate: candidateOf(candidate, { mirror: null, share: 0 }) }));
    await ask();
    await until(() => gateway.observations().length === 2);
    await untilNothingIsMirrored();
    expect(gateway.pairs()).toHaveLength(0);
    expect(candidateRequests()).toBe(0);
  });

  it("that meets the provider's rate limit has no pair, and is not asked again until the provider allows it", async () => {
    candidateBehaves = (response) => {
      response.writeHead(429, { "content-type": "application/json", "retry-after": "60" });
      response.end("{}");
    };
    expect((await ask()).response.status).toBe(200);
    await until(() => (gateway.reports.at(-1)?.dropped.mirrored ?? 0) === 1);
    for (let i = 0; i < 5; i += 1) expect((await ask()).response.status).toBe(200);
    await until(() => (gateway.reports.at(-1)?.dropped.mirrored ?? 0) === 6);
    expect(candidateRequests()).toBe(1);
    expect(gateway.pairs()).toEqual([]);
  });

  it("is left alone while users meet the provider's rate limit", async () => {
    baselineBehaves = (response) => {
      response.writeHead(429, { "content-type": "application/json", "retry-after": "60" });
      response.end("{}");
    };
    expect((await ask()).response.status).toBe(429);
    baselineBehaves = says("The baseline says hello.");
    expect((await ask()).response.status).toBe(200);
    await until(() => (gateway.reports.at(-1)?.dropped.mirrored ?? 0) === 1);
    expect(candidateRequests()).toBe(0);
  });
});
