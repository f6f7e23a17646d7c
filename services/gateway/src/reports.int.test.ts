import { referenceOf } from "@sluice/contracts";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { bundleOf, candidateOf, routingOf } from "./testing/routing-fixture.ts";
import { type RunningTestGateway, startGateway, until } from "./testing/running-gateway.ts";

let gateway: RunningTestGateway;
const candidate = candidateOf(bundleOf("candidate"), { share: 0.5, payloadSampleRate: 1 });

beforeEach(async () => {
  gateway = await startGateway({
    settings: { providers: {}, clientKeys: ["caller"], reporterKeys: ["reporter"] },
    routings: [routingOf(1, { candidate })],
  });
});
afterEach(() => gateway.stop());

const observation = (id: string, more: object = {}) => ({
  observationId: id,
  releaseId: candidate.releaseId,
  arm: "candidate",
  assignedBundle: candidate.digest,
  servedBundle: referenceOf(bundleOf("candidate")).digest,
  clusterKey: "c",
  startedAt: "2026-01-01T00:00:00.000Z",
  streamed: false,
  status: 200,
  errorClass: null,
  latencyMs: 120,
  timeToFirstTokenMs: null,
  inputTokens: 5,
  outputTokens: 7,
  finishReason: "stop",
  refused: false,
  ...more,
});
const report = (body: unknown, key = "reporter") =>
  fetch(`${gateway.address}/v1/observations`, {
    method: "POST",
    headers: { authorization: `Bearer ${key}` },
    body: JSON.stringify(body),
  });

describe("a report of what a service served itself", () => {
  it("becomes observations of this gateway, which end when they were told, with payloads redacted", async () => {
    const before = new Date().toISOString();
    const payload = { input: "Write to jane@example.org", output: "Done." };
    const answer = await report({
      application: "support-bot",
      observations: [observation("o-1", { payload }), observation("o-2", { errorClass: "timeout", status: 504 })],
    });
    expect([answer.status, await answer.json()]).toEqual([200, { taken: 2 }]);
    await until(() => gateway.observations().length === 2);
    const [first, second] = gateway.observations();
    expect(first).toMatchObject({
      observationId: "o-1",
      application: "support-bot",
      role: "user",
      arm: "candidate",
      gatewayId: gateway.gatewayId,
      latencyMs: 120,
      payload: { input: "Write to [email]", output: "Done." },
    });
    expect((first?.endedAt ?? "") >= before).toBe(true);
    expect(second).toMatchObject({ errorClass: "timeout" });
    // A mitigation must not count as done while services still serve the candidate.
    await until(() => (gateway.reports.at(-1)?.candidateLastServedAt["support-bot"] ?? "") >= before);
  });

  it("that says it dropped some makes this gateway say so", async () => {
    await report({ application: "support-bot", observations: [], dropped: 3 });
    await until(() => gateway.reports.at(-1)?.dropped.observations === 3);
  });

  it("needs a reporter's key: who may call models may not speak for them", async () => {
    const body = { application: "support-bot", observations: [observation("o-1")] };
    expect((await report(body, "caller")).status).toBe(401);
    expect((await report(body, "")).status).toBe(401);
    expect((await fetch(`${gateway.address}/v1/observations`)).status).toBe(405);
  });

  it("of an application that is not routed, or that cannot be read, is refused in one sentence", async () => {
    expect((await report({ application: "nobody", observations: [] })).status).toBe(404);
    const broken = await report({ application: "support-bot", observations: [observation("o-1", { arm: "left" })] });
    expect(broken.status).toBe(400);
    expect(await broken.text()).toMatch(/arm/);
    const many = Array.from({ length: 101 }, (_, i) => observation(`o-${i}`));
    expect((await report({ application: "support-bot", observations: many })).status).toBe(400);
  });
});
