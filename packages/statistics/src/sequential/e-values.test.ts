import { describe, expect, it } from "vitest";
import { binomial } from "../distributions/binomial.ts";
import { logHypergeometricTerm } from "../distributions/hypergeometric.ts";
import { logSumExp } from "../special/log-arithmetic.ts";
import { closedRejections, combine } from "./combine.ts";
import { stratifiedFisherLogE } from "./fisher-increment.ts";
import { groupMeans } from "./group-means.ts";
import { mcnemarMixtureLogE, normalMixtureLogE } from "./normal-mixture.ts";
import { bettingGridLogE, pairedBetting } from "./paired-betting.ts";
import { rateCeiling } from "./rate-ceiling.ts";
import { dirichletMultinomialLogE, sampleRatio } from "./sample-ratio.ts";
import { stratifiedRates } from "./stratified-rates.ts";

// An e-value is a non-negative number whose expectation under the null hypothesis is at most 1. Small cases can be summed
// over every outcome, which proves it for them without any simulation.

/** Weights of Fisher's noncentral hypergeometric distribution, by brute force. */
const fisherNoncentral = (total: number, candidate: number, events: number, psi: number): Map<number, number> => {
  const choose = (n: number, k: number): number => (k < 0 || k > n ? 0 : Math.exp(binomial.logPmf(k, n, 0.5)) * 2 ** n);
  const weights = new Map<number, number>();
  for (let x = 0; x <= Math.min(events, candidate); x++) {
    const ways = choose(events, x) * choose(total - events, candidate - x);
    if (ways > 0) weights.set(x, ways * psi ** x);
  }
  const sum = [...weights.values()].reduce((a, b) => a + b, 0);
  return new Map([...weights].map(([x, weight]) => [x, weight / sum]));
};

const expectation = (distribution: Map<number, number>, logE: (x: number) => number): number =>
  [...distribution].reduce((sum, [x, p]) => sum + p * Math.exp(logE(x)), 0);

describe("the conditional Fisher e-value", () => {
  const margins = [
    { total: 20, candidate: 5, events: 4 },
    { total: 30, candidate: 15, events: 22 },
    { total: 12, candidate: 11, events: 6 },
  ];
  it.each(margins)("has expectation 1 at psi0 and less below it (%o)", (margin) => {
    for (const psi0 of [1, 1.3]) {
      const logE = (candidateEvents: number) => stratifiedFisherLogE({ ...margin, candidateEvents, psi: 2.5, psi0 });
      const at = (psi: number) =>
        expectation(fisherNoncentral(margin.total, margin.candidate, margin.events, psi), logE);
      expect(at(psi0)).toBeCloseTo(1, 12);
      expect(at(0.8 * psi0)).toBeLessThan(1);
      expect(at(1.5 * psi0)).toBeGreaterThan(1);
    }
  });

  it("agrees with a sum in logs on both sides of the switch at 128 tables, and at a million requests", () => {
    const inLogs = (total: number, candidate: number, events: number, logPsi: number): number => {
      const terms: Array<number> = [];
      for (let y = Math.max(0, events + candidate - total); y <= Math.min(events, candidate); y++) {
        terms.push(logHypergeometricTerm(y, events, total - events, candidate) + y * logPsi);
      }
      return logSumExp(terms);
    };
    const cases = [
      { total: 4_000, candidate: 1_000, events: 127, candidateEvents: 40 },
      { total: 4_000, candidate: 1_000, events: 129, candidateEvents: 40 },
      { total: 1e6, candidate: 5e5, events: 1e4, candidateEvents: 5_200 },
      // A baseline of 128 units beside a million: weights that start at the first table would overflow.
      { total: 1_000_128, candidate: 1e6, events: 128, candidateEvents: 120 },
      { total: 1_000_128, candidate: 128, events: 1e6, candidateEvents: 120 },
    ];
    for (const table of cases) {
      const expected = table.candidateEvents * Math.LN2 - inLogs(table.total, table.candidate, table.events, Math.LN2);
      expect(stratifiedFisherLogE({ ...table, psi: 2 })).toBeCloseTo(expected, 8);
    }
  });
});

describe("stratified rates", () => {
  it("has expectation 1 over two windows, whatever the second window's share and base rate", () => {
    const first = fisherNoncentral(20, 5, 4, 1);
    const second = fisherNoncentral(16, 8, 7, 1);
    let sum = 0;
    for (const [x, p] of first) {
      for (const [y, q] of second) {
        let state = stratifiedRates.initial();
        state = stratifiedRates.update(state, { baseline: { n: 15, events: 4 - x }, candidate: { n: 5, events: x } });
        state = stratifiedRates.update(state, { baseline: { n: 8, events: 7 - y }, candidate: { n: 8, events: y } });
        sum += p * q * Math.exp(stratifiedRates.evidence(state).logE);
      }
    }
    expect(sum).toBeCloseTo(1, 12);
  });

  it("learns nothing from a window without events, without a candidate, or with events only", () => {
    const start = stratifiedRates.initial();
    for (const stratum of [
      { baseline: { n: 9, events: 0 }, candidate: { n: 9, events: 0 } },
      { baseline: { n: 9, events: 3 }, candidate: { n: 0, events: 0 } },
      { baseline: { n: 9, events: 9 }, candidate: { n: 9, events: 9 } },
    ]) {
      expect(stratifiedRates.evidence(stratifiedRates.update(start, stratum)).logE).toBe(0);
    }
  });

  it("is not fooled when the share rises while the base rate rises (Simpson)", () => {
    let state = stratifiedRates.initial();
    // Both arms: 1 % in the first hour at a share of 1 %, 10 % in the second at 50 %. Pooled, the candidate looks far worse.
    for (let i = 0; i < 60; i++) {
      state = stratifiedRates.update(state, { baseline: { n: 9_900, events: 99 }, candidate: { n: 100, events: 1 } });
    }
    for (let i = 0; i < 60; i++) {
      state = stratifiedRates.update(state, {
        baseline: { n: 5_000, events: 500 },
        candidate: { n: 5_000, events: 500 },
      });
    }
    const { peakLogE, estimate, baseline, candidate } = stratifiedRates.evidence(state);
    expect(candidate.events / candidate.n).toBeGreaterThan(2 * (baseline.events / baseline.n));
    expect(estimate).toBeCloseTo(0, 12);
    expect(peakLogE).toBeLessThan(1);
  });

  it("stays finite and exact over 100,000 windows of a million requests", () => {
    let state = stratifiedRates.initial();
    const healthy = { baseline: { n: 999_000, events: 9_990 }, candidate: { n: 1_000, events: 10 } };
    for (let i = 0; i < 100_000; i++) state = stratifiedRates.update(state, healthy);
    const { logE } = stratifiedRates.evidence(state);
    expect(Number.isFinite(logE)).toBe(true);
    expect(logE).toBeLessThan(0);
    const faulty = { baseline: { n: 999_000, events: 9_990 }, candidate: { n: 1_000, events: 30 } };
    let minutes = 0;
    for (; stratifiedRates.evidence(state).logE < Math.log(100); minutes++)
      state = stratifiedRates.update(state, faulty);
    // The healthy past costs only the logarithm of its length.
    expect(minutes).toBeLessThan(5);
  }, 60_000);
});

describe("a rate ceiling", () => {
  it("has expectation 1 at the ceiling and less below it", () => {
    const at = (rate: number): number => {
      let sum = 0;
      for (let x = 0; x <= 12; x++) {
        const state = rateCeiling.update(rateCeiling.initial({ ceiling: 0.2 }), { candidate: { n: 12, events: x } });
        sum += Math.exp(binomial.logPmf(x, 12, rate) + rateCeiling.evidence(state).logE);
      }
      return sum;
    };
    expect(at(0.2)).toBeCloseTo(1, 12);
    expect(at(0.1)).toBeLessThan(1);
  });
  it("refuses odds ratios that would bet on rates below it", () => {
    expect(() => rateCeiling.initial({ ceiling: 0.2, oddsRatios: [0.5], weights: [1] })).toThrow(/oddsRatios\[0\]/);
  });
});

describe("group means", () => {
  it("has expectation at most 1 for every pair of equal means, and grows when the candidate is lower", () => {
    // One window teaches the centre; the next one is summed over all outcomes of 6 and 4 scores of 0 or 1.
    const arm = (n: number, ones: number) => ({ n, sum: ones, sumSquares: ones });
    const taught = groupMeans.update(groupMeans.initial(), { baseline: arm(50, 35), candidate: arm(50, 40) });
    const mean = (rateB: number, rateC: number): number => {
      let sum = 0;
      for (let b = 0; b <= 6; b++) {
        for (let c = 0; c <= 4; c++) {
          const state = groupMeans.update(taught, { baseline: arm(6, b), candidate: arm(4, c) });
          const probability = Math.exp(binomial.logPmf(b, 6, rateB) + binomial.logPmf(c, 4, rateC));
          sum += probability * Math.exp(groupMeans.evidence(state).logE);
        }
      }
      return sum;
    };
    for (const rate of [0.05, 0.3, 0.5, 0.7, 0.95]) expect(mean(rate, rate)).toBeLessThanOrEqual(1);
    expect(mean(0.7, 0.9)).toBeLessThan(1);
    expect(mean(0.9, 0.2)).toBeGreaterThan(1.2);
  });
});

describe("betting on paired differences", () => {
  it("has expectation 1 over all sequences of a fair coin, and at most 1 with a margin", () => {
    const pairs = 10;
    const mean = (margin: number, size: number): number => {
      let sum = 0;
      for (let pattern = 0; pattern < 2 ** pairs; pattern++) {
        const differences = Array.from({ length: pairs }, (_, i) => ((pattern >> i) & 1 ? size : -size) - margin);
        const state = pairedBetting.update(pairedBetting.initial({ margin }), { differences });
        sum += Math.exp(pairedBetting.evidence(state).logE) / 2 ** pairs;
      }
      return sum;
    };
    expect(mean(0, 1)).toBeCloseTo(1, 12);
    expect(mean(0.1, 0.9)).toBeCloseTo(1, 12);
  });
  it("refuses a bet that a single pair could ruin", () => {
    expect(() => bettingGridLogE([1, 0.5], [1])).toThrow(/bets\[0\]/);
  });
});

describe("sample ratio", () => {
  it("has expectation 1 over all counts, also when the share changes", () => {
    let sum = 0;
    for (let x = 0; x <= 8; x++) {
      for (let y = 0; y <= 8; y++) {
        let state = sampleRatio.initial({ concentrationPerArm: 2 });
        state = sampleRatio.update(state, { counts: [8 - x, x], weights: [0.9, 0.1] });
        state = sampleRatio.update(state, { counts: [8 - y, y], weights: [0.6, 0.4] });
        const logE = sampleRatio.evidence(state).logE;
        sum += Math.exp(binomial.logPmf(x, 8, 0.1) + binomial.logPmf(y, 8, 0.4) + logE);
      }
    }
    expect(sum).toBeCloseTo(1, 12);
  });
  it.each([1e-3, 1, 100, 1e6])(
    "is the product of the prior's predictions, unit by unit, at concentration %d",
    (concentration) => {
      const counts = [9, 2, 0, 4];
      const weights = [0.5, 0.2, 0.2, 0.1];
      let expected = 0;
      let seen = 0;
      counts.forEach((count, arm) => {
        const share = weights[arm] as number;
        const prior = 4 * concentration;
        for (let k = 0; k < count; k++, seen++) {
          // (αᵢ + k)/(A + seen)/wᵢ, as one plus what it differs by.
          expected += Math.log1p((k / share - seen) / (prior + seen));
        }
      });
      expect(dirichletMultinomialLogE(counts, weights, concentration)).toBeCloseTo(expected, 10);
    },
  );
  it("keeps its digits at 10¹¹ units", () => {
    // log BF falls by ½ log 10 for each factor 10 of matching counts.
    const at = (n: number) => dirichletMultinomialLogE([0.99 * n, 0.01 * n], [0.99, 0.01], 1);
    expect(at(1e10) - at(1e11)).toBeCloseTo(0.5 * Math.LN10, 6);
  });
});

describe("other e-values", () => {
  it("sequential McNemar has expectation 1 over all tables of 12 discordant pairs", () => {
    let sum = 0;
    for (let worse = 0; worse <= 12; worse++) {
      sum += Math.exp(binomial.logPmf(worse, 12, 0.5) + mcnemarMixtureLogE({ worse, better: 12 - worse }));
    }
    expect(sum).toBeCloseTo(1, 12);
  });
  it("normal mixtures have expectation 1 for a normal sum", () => {
    const step = 0.01;
    for (const side of ["oneSided", "twoSided"] as const) {
      let sum = 0;
      for (let z = -30; z <= 30; z += step) {
        sum += (step * Math.exp((-z * z) / 2 + normalMixtureLogE(2 * z, 4, 3)[side])) / Math.sqrt(2 * Math.PI);
      }
      expect(sum).toBeCloseTo(1, 8);
    }
  });
  it("a combination is the weighted mean", () => {
    expect(combine([0, Math.log(9)])).toBeCloseTo(Math.log(5), 12);
    expect(combine([0, Math.log(9)], [3, 1])).toBeCloseTo(Math.log(3), 12);
    expect(combine([-1e6, 800, 900])).toBeCloseTo(logSumExp([-1e6, 800, 900]) - Math.log(3), 9);
  });
  it("blames a metric only when every set of metrics with it reaches 1/α", () => {
    const alpha = 0.01;
    const sets = (logEs: ReadonlyArray<number>, i: number): ReadonlyArray<ReadonlyArray<number>> =>
      Array.from({ length: 2 ** logEs.length }, (_, pattern) => logEs.filter((_, j) => (pattern >> j) & 1 || j === i));
    for (const logEs of [
      [7, 0, -3, 1, 0.2],
      [5.9, 5.9, 0, 0, 0],
      [6, 4, 5.5, -1, 2],
      [900, 0, 0, 5, 4],
      [4.7, 4.7, 4.7, 4.7, 4.7],
    ]) {
      const expected = logEs.map((_, i) => sets(logEs, i).every((set) => combine(set) >= -Math.log(alpha)));
      expect(closedRejections(logEs, alpha)).toEqual(expected);
    }
  });
});
