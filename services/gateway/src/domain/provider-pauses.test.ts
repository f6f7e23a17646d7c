import { describe, expect, it } from "vitest";
import { ProviderPauses, retryAfterMsOf } from "./provider-pauses.ts";

describe("ProviderPauses", () => {
  it("last as long as the provider asks, for that provider", () => {
    const pauses = new ProviderPauses();
    pauses.rateLimited("a", 5_000, 0);
    expect([pauses.isPaused("a", 4_999), pauses.isPaused("a", 5_000), pauses.isPaused("b", 0)]).toEqual([
      true,
      false,
      false,
    ]);
  });

  it("double from 1 s to 30 s where it does not say, and start anew after an answer", () => {
    const pauses = new ProviderPauses();
    const lengths: Array<number> = [];
    let nowMs = 0;
    for (let i = 0; i < 7; i += 1) {
      pauses.rateLimited("a", null, nowMs);
      // What was under way, and is answered during the pause, changes nothing.
      pauses.rateLimited("a", null, nowMs + 1);
      pauses.answered("a", nowMs + 2);
      let endMs = nowMs;
      while (pauses.isPaused("a", endMs)) endMs += 500;
      lengths.push(endMs - nowMs);
      nowMs = endMs;
    }
    expect(lengths).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
    pauses.answered("a", nowMs);
    pauses.rateLimited("a", null, nowMs);
    expect(pauses.isPaused("a", nowMs + 1_000)).toBe(false);
  });
});

it("retry-after is read as seconds or as a date", () => {
  const nowMs = Date.parse("2026-01-01T00:00:00.000Z");
  const headers = ["2", "0.5", "Thu, 01 Jan 2026 00:00:03 GMT", "Wed, 31 Dec 2025 00:00:00 GMT", "soon", "", undefined];
  expect(headers.map((header) => retryAfterMsOf(header, nowMs))).toEqual([2_000, 500, 3_000, 0, null, null, null]);
  expect(retryAfterMsOf("Infinity", nowMs)).toBeNull();
});
