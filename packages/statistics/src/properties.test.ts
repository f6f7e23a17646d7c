import { describe, expect, it } from "vitest";
import {
  adjustBenjaminiHochberg,
  adjustHolm,
  binomialTest,
  chiSquareSampleRatio,
  clusterMeanStandardError,
  combine,
  designEffectOfRate,
  exceedance,
  fisherExact,
  groupMeans,
  hybrid,
  InvalidArgument,
  mannWhitney,
  mcnemarExact,
  minimumDetectableEffectPaired,
  newcombeInterval,
  normal,
  obrienFleming,
  oneSampleT,
  pairedBetting,
  pairedT,
  powerPaired,
  powerTwoProportions,
  powerTwoSample,
  type RandomSource,
  randomSource,
  sampleRatio,
  sampleSizePaired,
  sampleSizeTwoProportions,
  signFlipPermutation,
  signTest,
  stratifiedFisherLogE,
  stratifiedRates,
  studentT,
  twoProportionZ,
  twoSampleT,
  welchFromSummaries,
  wilcoxonSignedRank,
  wilsonInterval,
} from "./index.ts";
import { drawBinomial, drawNormal } from "./random/draws.ts";

/** Checks a property on seeded random cases; a failure names the case's seed. */
const forAll = (property: (random: RandomSource) => void, cases = 60): void => {
  for (let seed = 1; seed <= cases; seed++) {
    try {
      property(randomSource(seed));
    } catch (error) {
      throw new Error(`case ${seed}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
};
const sample = (random: RandomSource, n: number, shift = 0): Array<number> =>
  Array.from({ length: n }, () => drawNormal(random) + shift);
const between = (random: RandomSource, low: number, high: number): number =>
  low + Math.floor(random() * (high - low + 1));
const proportion = (random: RandomSource, most: number) => {
  const n = between(random, 1, most);
  return { n, events: drawBinomial(random, n, random()) };
};
const scores = (random: RandomSource, n: number) => {
  const values = Array.from({ length: n }, () => Math.round(random() * 4) / 4);
  return {
    n,
    sum: values.reduce((sum, value) => sum + value, 0),
    sumSquares: values.reduce((sum, value) => sum + value * value, 0),
  };
};

describe("swapping the arms mirrors the result", () => {
  it("in t tests", () =>
    forAll((random) => {
      const x = sample(random, between(random, 2, 30));
      const y = sample(random, between(random, 2, 30), 0.5);
      const a = twoSampleT(x, y, { alternative: "less" });
      const b = twoSampleT(y, x, { alternative: "greater" });
      expect(b.t).toBeCloseTo(-a.t, 12);
      expect(b.pValue).toBeCloseTo(a.pValue, 12);
      expect(b.interval.low).toBeCloseTo(-a.interval.high, 10);
      const n = Math.min(x.length, y.length);
      const c = pairedT(x.slice(0, n), y.slice(0, n));
      const d = pairedT(y.slice(0, n), x.slice(0, n));
      expect(d.estimate).toBeCloseTo(-c.estimate, 12);
      expect(d.pValue).toBeCloseTo(c.pValue, 12);
    }));
  it("in rank, sign and permutation tests", () =>
    forAll((random) => {
      const x = sample(random, between(random, 1, 12));
      const y = sample(random, between(random, 1, 12));
      const u = mannWhitney(x, y, { alternative: "less" });
      const v = mannWhitney(y, x, { alternative: "greater" });
      expect(u.statistic + v.statistic).toBeCloseTo(x.length * y.length, 12);
      expect(v.pValue).toBeCloseTo(u.pValue, 12);
      const negated = x.map((value) => -value);
      expect(wilcoxonSignedRank(negated, { alternative: "greater" }).pValue).toBeCloseTo(
        wilcoxonSignedRank(x, { alternative: "less" }).pValue,
        12,
      );
      expect(signTest(negated, "greater").pValue).toBeCloseTo(signTest(x, "less").pValue, 12);
      expect(signFlipPermutation(negated, { alternative: "greater", seed: 1 }).pValue).toBeCloseTo(
        signFlipPermutation(x, { alternative: "less", seed: 1 }).pValue,
        12,
      );
    }));
  it("in tests of proportions", () =>
    forAll((random) => {
      const a = proportion(random, 300);
      const b = proportion(random, 300);
      const events = a.events + b.events;
      if (events > 0 && events < a.n + b.n) {
        expect(twoProportionZ(b, a).pGreater).toBeCloseTo(twoProportionZ(a, b).pLess, 12);
      }
      expect(fisherExact(b, a).pGreater).toBeCloseTo(fisherExact(a, b).pLess, 10);
      expect(fisherExact(b, a).pTwoSided).toBeCloseTo(fisherExact(a, b).pTwoSided, 10);
      const i = newcombeInterval({ x: a.events, n: a.n }, { x: b.events, n: b.n });
      const j = newcombeInterval({ x: b.events, n: b.n }, { x: a.events, n: a.n });
      expect(j.low).toBeCloseTo(-i.high, 12);
      const m = mcnemarExact({ worse: a.events, better: b.events });
      const w = mcnemarExact({ worse: b.events, better: a.events });
      expect(w.pTwoSided).toBeCloseTo(m.pTwoSided, 12);
      expect(w.midPWorse + m.midPWorse).toBeCloseTo(1, 10);
    }));
  it("in sequential estimates", () =>
    forAll((random) => {
      const a = proportion(random, 500);
      const b = proportion(random, 500);
      const one = stratifiedRates.evidence(
        stratifiedRates.update(stratifiedRates.initial(), { baseline: a, candidate: b }),
      );
      const two = stratifiedRates.evidence(
        stratifiedRates.update(stratifiedRates.initial(), { baseline: b, candidate: a }),
      );
      expect(two.estimate).toBeCloseTo(-(one.estimate ?? 0), 12);
      if (one.oddsRatio && two.oddsRatio) expect(two.oddsRatio * one.oddsRatio).toBeCloseTo(1, 9);
    }));
});

describe("merging minutes in any split gives the same fixed-n statistics", () => {
  it("for pairs, in any batches, to the last bit", () =>
    forAll((random) => {
      const differences = Array.from({ length: 120 }, () => 2 * random() - 1);
      const whole = hybrid.update(hybrid.initial({ alpha: 0.01, horizon: 100 }), { differences });
      let split = hybrid.initial({ alpha: 0.01, horizon: 100 });
      for (let at = 0; at < differences.length; ) {
        const next = at + between(random, 0, 30);
        split = hybrid.update(split, { differences: differences.slice(at, next) });
        at = next;
      }
      expect(split).toEqual(whole);
    }));
  it("for counts and sums", () =>
    forAll((random) => {
      let rates = stratifiedRates.initial();
      let means = groupMeans.initial();
      let ratio = sampleRatio.initial();
      const total = { n: 0, events: 0, sum: 0, sumSquares: 0, scored: 0 };
      const counts = [0, 0];
      for (let i = 0; i < 10; i++) {
        const candidate = proportion(random, 50);
        const judged = scores(random, between(random, 0, 20));
        rates = stratifiedRates.update(rates, { baseline: { n: 5, events: 1 }, candidate });
        means = groupMeans.update(means, { baseline: scores(random, 3), candidate: judged });
        ratio = sampleRatio.update(ratio, { counts: [100, candidate.n], weights: [0.9, 0.1] });
        total.n += candidate.n;
        total.events += candidate.events;
        total.scored += judged.n;
        total.sum += judged.sum;
        total.sumSquares += judged.sumSquares;
        counts[0] = (counts[0] ?? 0) + 100;
        counts[1] = (counts[1] ?? 0) + candidate.n;
      }
      expect(rates.candidate).toEqual({ n: total.n, events: total.events });
      expect(means.candidate.n).toBe(total.scored);
      expect(means.candidate.sum).toBeCloseTo(total.sum, 9);
      const once = sampleRatio.update(sampleRatio.initial(), { counts, weights: [0.9, 0.1] });
      expect(sampleRatio.evidence(ratio).logE).toBeCloseTo(sampleRatio.evidence(once).logE, 9);
    }));
  it("for summaries: Welch from summaries is Welch from values", () =>
    forAll((random) => {
      const x = sample(random, 12);
      const y = sample(random, 9, 1);
      const summary = (values: ReadonlyArray<number>) => {
        const n = values.length;
        const mean = values.reduce((sum, value) => sum + value, 0) / n;
        return { n, mean, sd: Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (n - 1)) };
      };
      expect(welchFromSummaries(summary(x), summary(y)).pValue).toBeCloseTo(twoSampleT(x, y).pValue, 12);
    }));
});

describe("evidence", () => {
  it("is never negative, never infinite, and survives JSON", () =>
    forAll((random) => {
      let rates = stratifiedRates.initial({ psi0: 1 + random() });
      let latency = exceedance.initial();
      let means = groupMeans.initial({ margin: 0.1 * random() });
      for (let i = 0; i < 30; i++) {
        const over = (n: number) => {
          const p90 = drawBinomial(random, n, random());
          const p95 = drawBinomial(random, p90, random());
          return { n, over: { p90, p95, p99: drawBinomial(random, p95, random()) } };
        };
        rates = stratifiedRates.update(rates, {
          baseline: proportion(random, 2_000),
          candidate: proportion(random, 200),
        });
        latency = exceedance.update(latency, {
          thresholdsMs: latency.nextThresholdsMs,
          baseline: over(between(random, 0, 900)),
          candidate: over(between(random, 0, 90)),
          baselineQuantilesMs: random() < 0.9 ? { p90: 500, p95: 600 + random(), p99: 1_000 } : null,
        });
        means = groupMeans.update(means, {
          baseline: scores(random, between(random, 0, 40)),
          candidate: scores(random, between(random, 0, 40)),
        });
      }
      const all = [
        { state: rates, evidence: stratifiedRates.evidence(rates) },
        { state: latency, evidence: exceedance.evidence(latency) },
        { state: means, evidence: groupMeans.evidence(means) },
      ];
      for (const { state, evidence } of all) {
        expect(Number.isFinite(evidence.logE)).toBe(true);
        expect(evidence.peakLogE).toBeGreaterThanOrEqual(evidence.logE - 1e-12);
        // What JSON cannot hold (NaN, Infinity, undefined) would come back as something else.
        expect(JSON.parse(JSON.stringify(state))).toEqual(state);
        expect(JSON.parse(JSON.stringify(evidence))).toEqual(evidence);
      }
      expect(combine(all.map(({ evidence }) => evidence.logE))).toBeLessThan(1e6);
    }));

  it("grows with every further candidate event, and with every lower score", () =>
    forAll((random) => {
      const baseline = proportion(random, 400);
      const n = between(random, 1, 60);
      let before = Number.NEGATIVE_INFINITY;
      const events = baseline.events + Math.min(n, 5);
      for (let x = Math.max(0, events - baseline.n); x <= Math.min(n, events); x++) {
        const margins = { total: baseline.n + n, candidate: n, events };
        const logE = stratifiedFisherLogE({ ...margins, candidateEvents: x, psi: 2, psi0: 1.1 });
        expect(logE).toBeGreaterThan(before);
        before = logE;
      }
      const low = 2 * random() - 1;
      const at = (difference: number) =>
        pairedBetting.evidence(pairedBetting.update(pairedBetting.initial(), { differences: [0.2, -0.4, difference] }))
          .logE;
      expect(at(Math.max(-1, low - 0.1))).toBeGreaterThanOrEqual(at(low));
    }));

  it("of a mean grows with every further drop that lasts, and of a p95 with every slower unit", () =>
    forAll((random) => {
      const values = Array.from({ length: 40 }, () => 0.5 + 0.5 * random());
      const arm = (drop: number) => ({
        n: values.length,
        sum: values.reduce((sum, value) => sum + value - drop, 0),
        sumSquares: values.reduce((sum, value) => sum + (value - drop) ** 2, 0),
      });
      let before = Number.NEGATIVE_INFINITY;
      for (let drop = 0; drop <= 0.5; drop += 0.05) {
        let state = groupMeans.initial();
        for (let i = 0; i < 8; i++) state = groupMeans.update(state, { baseline: arm(0), candidate: arm(drop) });
        const { logE } = groupMeans.evidence(state);
        expect(logE).toBeGreaterThan(before);
        before = logE;
      }
      let slower = Number.NEGATIVE_INFINITY;
      const counts = (n: number, over: number) => ({ n, over: { p90: over, p95: over, p99: over } });
      const baselineQuantilesMs = { p90: 900, p95: 1_200, p99: 2_000 };
      for (let over = 2; over <= 30; over += 4) {
        let state = exceedance.initial();
        for (let i = 0; i < 3; i++) {
          state = exceedance.update(state, {
            thresholdsMs: state.nextThresholdsMs,
            baseline: counts(300, i === 0 ? 0 : 15),
            candidate: counts(30, i === 0 ? 0 : over),
            baselineQuantilesMs,
          });
        }
        const { logE } = exceedance.evidence(state);
        expect(logE).toBeGreaterThan(slower);
        slower = logE;
      }
    }, 20));

  it("makes p smaller the further the arms lie apart", () =>
    forAll((random) => {
      const n = between(random, 2, 80);
      let p = 2;
      for (let events = 0; events <= n; events++) {
        const { pGreater } = fisherExact({ n, events }, { n: 50, events: 20 });
        expect(pGreater).toBeLessThanOrEqual(p + 1e-12);
        p = pGreater;
      }
    }, 20));
});

describe("p-values and adjustments", () => {
  it("lie in [0, 1], and adjusted ones are not smaller", () =>
    forAll((random) => {
      const pValues = Array.from({ length: between(random, 1, 30) }, () => random() ** 3);
      const holm = adjustHolm(pValues);
      const bh = adjustBenjaminiHochberg(pValues);
      pValues.forEach((p, i) => {
        expect(holm[i]).toBeGreaterThanOrEqual(bh[i] as number);
        expect(bh[i]).toBeGreaterThanOrEqual(p);
        expect(holm[i]).toBeLessThanOrEqual(1);
      });
    }));
  it("exact permutation at n ≤ 16 agrees with the seeded one, which is reproducible", () => {
    const differences = sample(randomSource(3), 16, -0.4);
    const exact = signFlipPermutation(differences, { alternative: "less", seed: 1 });
    expect(exact.exact).toBe(true);
    expect(exact.permutations).toBe(65_536);
    // Twice the list, so that the random way is taken: p of the doubled list by 50,000 patterns, twice the same.
    const options = { alternative: "less", seed: 7, permutations: 50_000 } as const;
    const doubled = [...differences, ...differences];
    const random = signFlipPermutation(doubled, options);
    expect(random.exact).toBe(false);
    expect(signFlipPermutation(doubled, options)).toEqual(random);
    expect(random.pValue).toBeCloseTo(oneSampleT(doubled, { alternative: "less" }).pValue, 2);
  });
  it("an independent sample has design effect near 1, repeats have theirs", () => {
    const values = sample(randomSource(5), 500);
    const alone = clusterMeanStandardError(
      values,
      values.map((_, i) => i),
    );
    expect(alone.designEffect).toBeCloseTo(1, 2);
    const repeated = clusterMeanStandardError(
      [...values, ...values],
      [...values, ...values].map((_, i) => i % 500),
    );
    expect(repeated.designEffect).toBeCloseTo(2, 1);
    expect(repeated.cr1).toBeCloseTo(alone.cr1, 12);
  });
});

describe("power, sample size and detectable effect", () => {
  it("are inverse to each other", () =>
    forAll((random) => {
      const options = { sd: 0.05 + random(), alpha: 0.001 + 0.1 * random(), sides: random() < 0.5 ? 1 : 2 } as const;
      const n = between(random, 2, 2_000);
      const power = options.alpha + (0.98 - options.alpha) * random();
      const delta = minimumDetectableEffectPaired({ ...options, n, power });
      expect(powerPaired({ ...options, n, delta })).toBeCloseTo(power, 6);
      if (power > 0.2) expect(sampleSizePaired({ ...options, delta, power }) / n).toBeCloseTo(1, 4);
      const p1 = 0.01 + 0.4 * random();
      const p2 = p1 + 0.01 + 0.4 * random();
      const size = sampleSizeTwoProportions({ p1, p2, alpha: options.alpha, power });
      expect(powerTwoProportions({ n: size, p1, p2, alpha: options.alpha })).toBeCloseTo(power, 9);
    }, 30));
  it("are a test's level where there is no effect, down to two pairs", () =>
    forAll((random) => {
      const alpha = 10 ** (-6 * random()) / 2;
      const n = between(random, 2, 6);
      expect(powerPaired({ n, delta: 0, sd: 1, alpha, sides: 2 }) / alpha).toBeCloseTo(1, 9);
      expect(powerTwoSample({ n, delta: 0, sd: 1, alpha }) / alpha).toBeCloseTo(1, 9);
    }, 30));
});

describe("the design effect of a rate", () => {
  it("is the same from sums as from single requests, and dividing by it only slows the evidence", () =>
    forAll((random) => {
      const values: Array<number> = [];
      const keys: Array<number> = [];
      const sums = { clusters: 60, units: 0, events: 0, unitsSquared: 0, eventsSquared: 0, unitsEvents: 0 };
      for (let key = 0; key < sums.clusters; key++) {
        const n = between(random, 1, 9);
        const x = drawBinomial(random, n, random() < 0.2 ? 0.8 : 0.05);
        for (let i = 0; i < n; i++) {
          values.push(i < x ? 1 : 0);
          keys.push(key);
        }
        sums.units += n;
        sums.events += x;
        sums.unitsSquared += n * n;
        sums.eventsSquared += x * x;
        sums.unitsEvents += n * x;
      }
      const expected = clusterMeanStandardError(values, keys).designEffect;
      // The one divides the variance by N, the other by N − 1.
      expect(designEffectOfRate(sums)).toBeCloseTo(Math.max(1, (expected * sums.units) / (sums.units - 1)), 9);
      const stratum = { baseline: { n: 900, events: 9 }, candidate: { n: 100, events: between(random, 2, 9) } };
      const logE = (designEffect: number) =>
        stratifiedRates.evidence(stratifiedRates.update(stratifiedRates.initial({ designEffect }), stratum)).logE;
      expect(Math.abs(logE(3))).toBeLessThan(Math.abs(logE(1)));
    }, 20));
});

describe("distributions", () => {
  it("quantile and cdf are inverse, in both tails, down to 1e−280", () =>
    forAll((random) => {
      const p = 10 ** (-280 * random());
      expect(normal.logCdf(normal.quantile(p))).toBeCloseTo(Math.log(p), 9);
      expect(normal.logSf(normal.upperQuantile(p))).toBeCloseTo(Math.log(p), 9);
      const df = 0.5 + 60 * random();
      expect(studentT.logSf(studentT.upperQuantile(p, df), df)).toBeCloseTo(Math.log(p), 8);
    }));
});

describe("bad input is a typed error that names the argument", () => {
  const cases: ReadonlyArray<readonly [string, () => unknown]> = [
    ["values[1]", () => oneSampleT([1, Number.NaN, 2])],
    ["values", () => oneSampleT([])],
    ["values", () => oneSampleT([1, 1, 1])],
    ["candidate", () => pairedT([1, 2, 3], [1, 2])],
    ["alternative", () => oneSampleT([1, 2], { alternative: "two.sided" as never })],
    ["confidence", () => oneSampleT([1, 2], { confidence: 1 })],
    ["worse", () => mcnemarExact({ worse: -1, better: 2 })],
    ["better", () => mcnemarExact({ worse: 1, better: 2.5 })],
    ["x", () => binomialTest(5, 4)],
    ["x", () => wilsonInterval(3, 2)],
    ["n", () => wilsonInterval(0, 0)],
    ["first.events", () => fisherExact({ n: 3, events: 4 }, { n: 3, events: 1 })],
    ["differences", () => wilcoxonSignedRank([0, 0])],
    ["y", () => mannWhitney([1], [])],
    ["pValues[1]", () => adjustHolm([0.1, 1.1])],
    ["clusters", () => clusterMeanStandardError([1, 2], ["a", "a"])],
    ["counts[0]", () => chiSquareSampleRatio([-1, 3], [1, 1])],
    ["sd", () => powerPaired({ n: 10, delta: 1, sd: 0, alpha: 0.05 })],
    ["df", () => studentT.sf(1, -1)],
    ["x", () => normal.cdf(Number.NaN)],
    ["p", () => normal.quantile(0)],
    ["seed", () => randomSource(Number.NaN)],
    ["logEs", () => combine([])],
    ["logEs[0]", () => combine([Number.NaN])],
    ["differences[0]", () => pairedBetting.update(pairedBetting.initial(), { differences: [1.5] })],
    ["margin", () => pairedBetting.initial({ margin: -0.1 })],
    ["horizon", () => obrienFleming.initial({ alpha: 0.01, horizon: 0 })],
    [
      "candidate.events",
      () =>
        stratifiedRates.update(stratifiedRates.initial(), {
          baseline: { n: 5, events: 1 },
          candidate: { n: 5, events: 6 },
        }),
    ],
    ["psi0", () => stratifiedRates.initial({ psi0: 0 })],
    ["designEffect", () => stratifiedRates.initial({ designEffect: 0.5 })],
    [
      "baseline.sum",
      () =>
        groupMeans.update(groupMeans.initial(), {
          baseline: { n: 2, sum: 3, sumSquares: 1 },
          candidate: { n: 1, sum: 1, sumSquares: 1 },
        }),
    ],
    ["weights[1]", () => sampleRatio.update(sampleRatio.initial(), { counts: [1, 2], weights: [1, 0] })],
    ["counts", () => sampleRatio.update(sampleRatio.initial(), { counts: [1], weights: [1] })],
    [
      "thresholdsMs",
      () =>
        exceedance.update(exceedance.initial(), {
          thresholdsMs: { p90: 1, p95: 2, p99: 3 },
          baseline: { n: 0, over: { p90: 0, p95: 0, p99: 0 } },
          candidate: { n: 0, over: { p90: 0, p95: 0, p99: 0 } },
          baselineQuantilesMs: null,
        }),
    ],
  ];
  it.each(cases)("%s", (argument, call) => {
    let caught: unknown;
    try {
      call();
    } catch (error) {
      caught = error;
    }
    expect(caught).toBeInstanceOf(InvalidArgument);
    expect((caught as InvalidArgument).argument).toBe(argument);
    expect((caught as InvalidArgument)._tag).toBe("InvalidArgument");
    expect((caught as InvalidArgument).message).toContain(argument);
  });
});
