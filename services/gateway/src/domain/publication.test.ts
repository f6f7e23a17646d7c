import type { ObservationEvent } from "@sluice/contracts";
import { pairSide } from "@sluice/contracts/testing/pair-side";
import { describe, expect, it } from "vitest";
import { publicationSize } from "./publication.ts";

const pair = (length: number): ObservationEvent => ({
  _tag: "ShadowPairRecorded",
  pairId: "p",
  gatewayId: "g",
  application: "a",
  releaseId: "r",
  at: "2026-01-01T00:00:00.000Z",
  clusterKey: "k",
  input: "",
  baseline: pairSide({ output: "x".repeat(length) }),
  candidate: pairSide({ output: "" }),
});

describe("publicationSize", () => {
  it("takes what fits by number and by length, and always something", () => {
    expect(publicationSize([])).toBe(0);
    expect(publicationSize(Array.from({ length: 50 }, () => pair(1)))).toBe(20);
    expect(publicationSize(Array.from({ length: 50 }, () => pair(300_000)))).toBe(4);
    expect(publicationSize([pair(5_000_000), pair(1)])).toBe(1);
  });
});
