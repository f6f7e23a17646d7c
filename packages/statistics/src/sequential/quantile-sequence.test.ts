import { describe, expect, it } from "vitest";
import { randomSource } from "../random/random-source.ts";
import { type HistogramBin, quantileSequence } from "./quantile-sequence.ts";

const GROWTH = 1.04;
/** Bins of 4 %, as latencies are kept in. */
const binned = (counts: ReadonlyMap<number, number>): ReadonlyArray<HistogramBin> =>
  [...counts]
    .sort(([a], [b]) => a - b)
    .map(([bin, count]) => ({ low: GROWTH ** (bin - 1), high: GROWTH ** bin, count }));

describe("the confidence sequence of a quantile", () => {
  it("knows nothing of few units, and bounds p95 by about the binomial error of many", () => {
    const uniform = (n: number) => Array.from({ length: 100 }, (_, i) => ({ low: i, high: i + 1, count: n / 100 }));
    expect(quantileSequence([], 0.95, 0.95)).toEqual({ n: 0, low: null, high: null });
    expect(quantileSequence(uniform(100), 0.95, 0.95).high).toBeNull();
    const { low, high, n } = quantileSequence(uniform(10_000), 0.95, 0.95);
    expect(n).toBe(10_000);
    // One binomial standard error is 0.22 of these bins; a fixed sample would be at ± 0.43, and a sequence is wider.
    expect([low, high]).toEqual([94, 96]);
    const wide = quantileSequence(uniform(1_000), 0.95, 0.95);
    expect(wide.low).toBeLessThan(94);
    expect(wide.high).toBeGreaterThan(96);
  });

  it("keeps the counts whose mixture ratio is below 1/α, and no others", () => {
    // The ratio of Beta-binomial(50; 62.5, 62.5) and Binomial(50, ½) as a product, without a gamma function.
    const ratio = (k: number) => {
      let product = 1;
      for (let i = 0; i < 50; i++) product *= (62.5 + (i < k ? i : i - k)) / (125 + i) / 0.5;
      return product;
    };
    const kept = Array.from({ length: 51 }, (_, k) => k).filter((k) => ratio(k) < 20);
    const bins = Array.from({ length: 50 }, (_, i) => ({ low: i, high: i + 1, count: 1 }));
    const { low, high } = quantileSequence(bins, 0.5, 0.95);
    expect([low, high]).toEqual([(kept[0] ?? 0) - 1, (kept.at(-1) ?? 0) + 1]);
  });

  it("misses the quantile at any of 60 looks no more often than it says", () => {
    const random = randomSource(20_261_126);
    const RUNS = 400;
    const [p, truth] = [0.95, -Math.log(0.05) * 100];
    let missed = 0;
    for (let run = 0; run < RUNS; run++) {
      const counts = new Map<number, number>();
      for (let look = 0; look < 60; look++) {
        for (let i = 0; i < 50; i++) {
          const bin = Math.ceil(Math.log(-Math.log(1 - random()) * 100) / Math.log(GROWTH));
          counts.set(bin, (counts.get(bin) ?? 0) + 1);
        }
        const { low, high } = quantileSequence(binned(counts), p, 0.95);
        if ((low !== null && low > truth) || (high !== null && high < truth)) {
          missed += 1;
          break;
        }
      }
    }
    // Binomial(400, .05): more than 35 once in 3,000 seeds.
    expect(missed).toBeLessThanOrEqual(35);
  });

  it("refuses bins that overlap, and counts that are none", () => {
    const bin = { low: 1, high: 2, count: 1 };
    expect(() => quantileSequence([bin, { ...bin, low: 1.5, high: 3 }], 0.5, 0.9)).toThrow(/bins\[1\]/);
    expect(() => quantileSequence([{ ...bin, count: 0.5 }], 0.5, 0.9)).toThrow(/bins\[0\].count/);
    expect(() => quantileSequence([bin], 1, 0.9)).toThrow(/quantile/);
  });
});
