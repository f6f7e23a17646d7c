import { afterEach, expect, it } from "vitest";
import type { MirrorJob } from "../application/shadow-port.ts";
import { gatewaySettings } from "../settings.ts";
import { bundleOf, candidateOf, routingOf } from "../testing/routing-fixture.ts";
import { until } from "../testing/running-gateway.ts";
import { ShadowThread } from "./shadow-thread.ts";

const digest = `sha256:${"a".repeat(64)}`;
const limits = { sampleRate: 1, concurrency: 1, queueLimit: 10, timeoutMs: 1_000 };
const job: MirrorJob = {
  application: "support-bot",
  provider: "simulated",
  releaseId: "release-1",
  requestId: "request-1",
  clusterKey: "key",
  endpoint: "chat/completions",
  body: { messages: [] },
  bodyBytes: 20,
  baseline: {
    status: 200,
    errorClass: null,
    latencyMs: 1,
    timeToFirstTokenMs: null,
    inputTokens: 1,
    outputTokens: 1,
    finishReason: "stop",
    refused: false,
    costUsd: null,
    clientGone: false,
    rateLimited: null,
    queueFull: false,
    text: "Hello.",
    toolCalls: [],
  },
  baselineBundle: digest,
  textsKept: true,
};

let shadow: ShadowThread | null = null;
afterEach(() => shadow?.close());

it("that fails counts what is lost, says why, is not started in a circle, and starts anew", async () => {
  const warnings: Array<string> = [];
  const settings = gatewaySettings({ providers: { simulated: { baseUrl: "http://localhost/v1" } } });
  // No settings that come from outside get this far.
  const broken = { simulated: { ...settings.providers.simulated, baseUrl: "no address" } };
  shadow = new ShadowThread({
    gatewayId: "gateway-1",
    settings: { ...settings, providers: broken as typeof settings.providers },
    routings: () => [routingOf(1, { candidate: candidateOf(bundleOf("candidate"), { mirror: limits }) })],
    onPair: () => {},
    warn: (message) => warnings.push(message),
  });
  const failed = () => shadow?.droppedByReason.get("failed");
  for (let i = 0; i < 3; i += 1) shadow.offer(limits, job);
  expect(shadow.pending).toBe(3);
  await until(() => failed() === 3);
  expect(warnings).toEqual(["the shadow has failed and will start anew, 3 mirrored requests are lost: Invalid URL"]);
  shadow.offer(limits, job);
  expect([failed(), shadow.pending]).toEqual([4, 0]);
  await until(() => {
    shadow?.offer(limits, job);
    return warnings.length === 2;
  });
});
