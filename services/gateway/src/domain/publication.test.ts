import type { ObservationEvent } from "@sluice/contracts";
import { describe, expect, it } from "vitest";
import { publicationSize } from "./publication.ts";

const digest = `sha256:${"a".repeat(64)}`;
const side = (length: number) => ({
  bundle: digest,
  output: "x".repeat(length),
  status: 200,
  errorClass: null,
  latencyMs: 1,
  timeToFirstTokenMs: null,
  inputTokens: null,
  outputTokens: null,
  finishReason: null,
  refused: null,
});
const pair = (length: number): ObservationEvent => ({
  _tag: "ShadowPairRecorded",
  pairId: "p",
  gatewayId: "g",
  application: "a",
  releaseId: "r",
  at: "2026-01-01T00:00:00.000Z",
  clusterKey: "k",
  input: "",
  baseline: side(length),
  candidate: side(0),
});

describe("publicationSize", () => {
  it("takes what fits by number and by length, and always something", () => {
    expect(publicationSize([])).toBe(0);
    expect(publicationSize(Array.from({ length: 50 }, () => pair(1)))).toBe(20);
    expect(publicationSize(Array.from({ length: 50 }, () => pair(300_000)))).toBe(4);
    expect(publicationSize([pair(5_000_000), pair(1)])).toBe(1);
  });
});
