import type { Bundle, ShadowPairRecorded } from "@sluice/contracts";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { MirrorJob } from "../application/shadow-port.ts";
import { type GatewaySettings, type GatewaySettingsInput, gatewaySettings } from "../settings.ts";
import { bundleOf, candidateOf, routingOf } from "../testing/routing-fixture.ts";
import { until } from "../testing/running-gateway.ts";
import { hangs, type SimulatedUpstream, startSimulatedUpstream } from "../testing/simulated-upstream.ts";
import { ShadowThread } from "./shadow-thread.ts";

const digest = `sha256:${"a".repeat(64)}`;
const limits = { sampleRate: 1, concurrency: 1, queueLimit: 10, timeoutMs: 10_000 };
const job: MirrorJob = {
  application: "support-bot",
  provider: "simulated",
  releaseId: "release-1",
  requestId: "request-1",
  clusterKey: "key",
  endpoint: "chat/completions",
  body: { messages: [] },
  bytes: 20,
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

let upstream: SimulatedUpstream;
let shadow: ShadowThread;
let pairs: Array<ShadowPairRecorded>;
let warnings: Array<string>;

interface StartOptions {
  readonly settings?: Partial<GatewaySettingsInput>;
  readonly bundle?: Bundle;
  readonly mirror?: typeof limits;
  /** In place of what the provider's settings say: no settings that come from outside get this far. */
  readonly broken?: object;
}

const start = ({ settings, bundle = bundleOf("candidate"), mirror = limits, broken }: StartOptions = {}): void => {
  const whole = gatewaySettings({ providers: { simulated: { baseUrl: upstream.baseUrl } }, ...settings });
  const providers = { simulated: { ...whole.providers.simulated, ...broken } } as GatewaySettings["providers"];
  shadow = new ShadowThread({
    gatewayId: "gateway-1",
    settings: { ...whole, providers },
    routings: () => [routingOf(1, { candidate: candidateOf(bundle, { mirror }) })],
    onPair: (pair) => pairs.push(pair),
    warn: (message) => warnings.push(message),
  });
};
const dropped = () => Object.fromEntries(shadow.droppedByReason);

beforeEach(async () => {
  pairs = [];
  warnings = [];
  upstream = await startSimulatedUpstream();
});
afterEach(async () => {
  await shadow.close();
  await upstream.close();
});

describe("ShadowThread", () => {
  it("that fails counts what is lost, says why, is not started in a circle, and starts anew", async () => {
    start({ broken: { baseUrl: "no address" } });
    for (let i = 0; i < 3; i += 1) shadow.offer(limits, job);
    expect(shadow.pending).toBe(3);
    await until(() => dropped().failed === 3);
    expect(warnings).toEqual(["the shadow has failed and will start anew, 3 mirrored requests are lost: Invalid URL"]);
    shadow.offer(limits, job);
    expect([dropped().failed, shadow.pending]).toEqual([4, 0]);
    await until(() => {
      shadow.offer(limits, job);
      return warnings.length === 2;
    });
  });

  it("that cannot even be started fails users no more than one that fails later", () => {
    start({ broken: { headers: () => {} } });
    shadow.offer(limits, job);
    expect([dropped(), shadow.pending, warnings.length]).toEqual([{ failed: 1 }, 0, 1]);
  });

  it("goes on when a request nests deeper than it can be written", async () => {
    // With a number as a key V8 writes JSON by recursion: tokens of `logit_bias` are such keys.
    const parameters = { logit_bias: { 50256: -100 } };
    const model = { kind: "model", provider: "simulated", model: "model-candidate", parameters } as const;
    start({ bundle: bundleOf("candidate", { model }) });
    const deep = JSON.parse(`${"[".repeat(20_000)}${"]".repeat(20_000)}`);
    shadow.offer(limits, { ...job, body: { messages: [], deep } });
    shadow.offer(limits, { ...job, body: { messages: [], deep, 1: "by recursion" } });
    shadow.offer(limits, { ...job, requestId: "request-2" });
    await until(() => shadow.pending === 0);
    expect([dropped(), warnings]).toEqual([{ unrendered: 2 }, []]);
    expect(pairs.map(({ pairId }) => pairId)).toEqual(["pair/request-2"]);
  });

  it("starts no call that waited until what an hour may cost was used up", async () => {
    start({ settings: { maxMirroredTokensPerHour: 10 } });
    for (let i = 0; i < 5; i += 1) shadow.offer(limits, job);
    await until(() => shadow.pending === 0);
    expect(upstream.requests).toHaveLength(1);
    expect(dropped()).toEqual({ budget: 4 });
  });

  it("tells that a connection is free again after a call that was given up", async () => {
    upstream.behave = hangs;
    start({ mirror: { ...limits, timeoutMs: 100 } });
    shadow.offer(limits, job);
    await until(() => pairs.length === 1);
    await until(() => shadow.load.length === 1 && shadow.load.every(({ running }) => running === 0));
  });
});
