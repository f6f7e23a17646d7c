import { describe, expect, it } from "vitest";
import { isSampled, type SampledFor } from "./sampling.ts";

const sampled = (rate: number, sampledFor: SampledFor) =>
  Array.from({ length: 100_000 }, (_, sequence) => isSampled(rate, sampledFor, sequence));
const shareOf = (flags: ReadonlyArray<boolean>) => flags.filter(Boolean).length / flags.length;

describe("isSampled", () => {
  // The numbers are fixed, so these are facts; the bounds are four standard deviations of a fair draw.
  it.each([0.01, 0.1, 0.5])("takes the share %d", (rate) => {
    const bound = 4 * Math.sqrt((rate * (1 - rate)) / 100_000);
    expect(Math.abs(shareOf(sampled(rate, "payload")) - rate)).toBeLessThan(bound);
  });

  it("takes none at 0 and all at 1", () => {
    expect(shareOf(sampled(0, "mirror"))).toBe(0);
    expect(shareOf(sampled(1, "mirror"))).toBe(1);
  });

  it("keeps no rhythm: every second and every tenth request are sampled like all", () => {
    const flags = sampled(0.1, "mirror");
    for (const period of [2, 3, 10, 64]) {
      const some = flags.filter((_, i) => i % period === 0);
      expect(Math.abs(shareOf(some) - 0.1)).toBeLessThan(4 * Math.sqrt((0.1 * 0.9 * period) / 100_000));
    }
  });

  it("draws its purposes apart", () => {
    const mirror = sampled(0.1, "mirror");
    const both = sampled(0.1, "payload").filter((flag, i) => flag && mirror[i]);
    expect(Math.abs(both.length - 1_000)).toBeLessThan(4 * Math.sqrt(1_000));
  });
});
