import { epochMsOf, type Observation, ObservationEvent, type ShadowPairRecorded, timestampOf } from "@sluice/contracts";
import { pairSide } from "@sluice/contracts/testing/pair-side";
import * as Schema from "effect/Schema";
import { describe, expect, it } from "vitest";
import { ObservationBuffer } from "./observation-buffer.ts";

const START_MS = Date.parse("2026-01-01T00:00:00.000Z");
const digest = `sha256:${"a".repeat(64)}`;

const observation = (endedAtMs: number, more: Partial<Observation> = {}): Observation => ({
  observationId: `o-${endedAtMs}`,
  application: "support-bot",
  releaseId: null,
  arm: "baseline",
  role: "user",
  assignedBundle: digest,
  servedBundle: digest,
  clusterKey: "k",
  gatewayId: "g",
  startedAt: timestampOf(endedAtMs),
  endedAt: timestampOf(endedAtMs),
  streamed: false,
  status: 200,
  errorClass: null,
  latencyMs: 1,
  timeToFirstTokenMs: null,
  inputTokens: null,
  outputTokens: null,
  finishReason: null,
  refused: false,
  ...more,
});

const side = pairSide({ output: "x".repeat(40) });
const pair: ShadowPairRecorded = {
  _tag: "ShadowPairRecorded",
  pairId: "p",
  gatewayId: "g",
  application: "support-bot",
  releaseId: "r",
  at: timestampOf(START_MS),
  clusterKey: "k",
  input: "x",
  baseline: side,
  candidate: side,
};

const makeBuffer = (limits = { observations: 10_000, payloadLength: 10_000 }) =>
  new ObservationBuffer("g", "boot", limits, START_MS);
const batchesOf = (events: ReadonlyArray<ObservationEvent>) =>
  events.filter((event) => event._tag === "ObservationsRecorded");

describe("ObservationBuffer", () => {
  it("says once when enough waits for a batch, of observations or of pairs", () => {
    let said = 0;
    const buffer = new ObservationBuffer("g", "boot", { observations: 10_000, payloadLength: 1e9 }, START_MS, () => {
      said += 1;
    });
    for (let i = 0; i < 499; i += 1) buffer.add(observation(START_MS));
    for (let i = 0; i < 499; i += 1) buffer.addPair(pair);
    expect(said).toBe(0);
    buffer.add(observation(START_MS));
    buffer.add(observation(START_MS));
    expect(said).toBe(1);
    buffer.addPair(pair);
    expect(said).toBe(2);
  });

  it("never publishes an observation that ended before an earlier watermark, even when the clock steps back", () => {
    const buffer = makeBuffer();
    const published: Array<{ through: number; ends: Array<number> }> = [];
    const clock = [10, 20, 30, 5, 6, 40, 35, 50].map((ms) => START_MS + ms);
    for (const nowMs of clock) {
      buffer.add(observation(buffer.endOf(nowMs)));
      for (const batch of batchesOf(buffer.cut(nowMs, new Set(["support-bot"])))) {
        published.push({
          through: epochMsOf(batch.through),
          ends: batch.observations.map(({ endedAt }) => epochMsOf(endedAt)),
        });
      }
    }
    for (const [i, { ends }] of published.entries()) {
      const before = published[i - 1]?.through ?? 0;
      for (const end of ends) expect(end).toBeGreaterThanOrEqual(before);
    }
    expect(published.map(({ through }) => through)).toEqual(published.map(({ through }) => through).toSorted());
  });

  it("moves the watermark only with the last of several batches", () => {
    const buffer = makeBuffer();
    for (let i = 0; i < 1_200; i += 1) buffer.add(observation(START_MS + 1));
    const batches = batchesOf(buffer.cut(START_MS + 100, new Set(["support-bot"])));
    expect(batches.map(({ observations }) => observations.length)).toEqual([500, 500, 200]);
    expect(batches.map(({ through }) => epochMsOf(through) - START_MS)).toEqual([0, 0, 100]);
    expect(new Set(batches.map(({ batchId }) => batchId)).size).toBe(3);
    for (const batch of batches) Schema.decodeUnknownSync(ObservationEvent)(batch);
  });

  it("sends an empty batch for an active application, and none for a quiet one", () => {
    const buffer = makeBuffer();
    buffer.add(observation(START_MS));
    const sent = batchesOf(buffer.cut(START_MS + 1, new Set(["other"])));
    expect(new Map(sent.map(({ application, observations }) => [application, observations.length]))).toEqual(
      new Map([
        ["support-bot", 1],
        ["other", 0],
      ]),
    );
    expect(buffer.cut(START_MS + 2, new Set(["other"]))).toHaveLength(1);
  });

  it("drops payloads first, then observations, and counts both", () => {
    const payload = { input: "x".repeat(40), output: "y".repeat(40) };
    const buffer = makeBuffer({ observations: 4, payloadLength: 100 });
    for (let i = 0; i < 6; i += 1) buffer.add(observation(START_MS, { payload }));
    const [batch] = batchesOf(buffer.cut(START_MS + 1, new Set()));
    expect(batch?.observations.map((kept) => kept.payload !== undefined)).toEqual([true, false, false, false]);
    expect(buffer.dropped).toEqual({ observations: 2, payloads: 5, pairs: 0 });
    buffer.add(observation(START_MS, { payload }));
    expect(buffer.dropped.observations).toBe(3);
    buffer.published(batch ? [batch] : []);
    buffer.add(observation(START_MS, { payload }));
    expect(batchesOf(buffer.cut(START_MS + 2, new Set()))[0]?.observations[0]?.payload).toEqual(payload);
    expect(buffer.size).toBe(1);
  });

  it("moves the watermark past what it dropped only when that has been reported", () => {
    const buffer = makeBuffer({ observations: 2, payloadLength: 100 });
    const throughAt = (ms: number) => {
      const batches = batchesOf(buffer.cut(START_MS + ms, new Set(["support-bot"])));
      buffer.published(batches);
      return epochMsOf(batches.at(-1)?.through ?? "") - START_MS;
    };
    for (const ms of [10, 20, 30, 40]) buffer.add(observation(START_MS + ms));
    expect(throughAt(50)).toBe(30);
    buffer.add(observation(START_MS + 60));
    expect(throughAt(70)).toBe(30);
    // A report that was on its way when the second one was dropped does not count it.
    buffer.lossReported(1);
    expect(throughAt(80)).toBe(30);
    buffer.lossReported(2);
    expect(throughAt(90)).toBe(90);
    for (const ms of [100, 110, 120]) buffer.add(observation(START_MS + ms));
    expect(throughAt(130)).toBe(120);
  });

  it("bounds pairs by the same measure", () => {
    const buffer = makeBuffer({ observations: 4, payloadLength: 200 });
    for (let i = 0; i < 4; i += 1) buffer.addPair(pair);
    const cut = buffer.cut(START_MS, new Set());
    expect(cut).toHaveLength(2);
    expect(buffer.dropped.pairs).toBe(2);
    buffer.published(cut);
    buffer.addPair(pair);
    expect(buffer.cut(START_MS, new Set())).toHaveLength(1);
  });
});
