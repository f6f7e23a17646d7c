import { normal } from "../distributions/normal.ts";
import { drawBinomial, drawNormal } from "../random/draws.ts";
import { randomSource } from "../random/random-source.ts";
import { exceedance } from "../sequential/exceedance.ts";
import { hybrid } from "../sequential/hybrid.ts";
import { stratifiedRates } from "../sequential/stratified-rates.ts";
import { drawArm, drawQuantiles, LOG_LATENCY_SD, plainKind } from "./arm.ts";
import { medianOf } from "./watch.ts";
import { noFault, steady } from "./world.ts";

/** Kullback–Leibler divergence of Bernoulli(p) from Bernoulli(q), in nats: what one unit tells a test that knows both. */
export const bernoulliInformation = (p: number, q: number): number =>
  (p > 0 ? p * Math.log(p / q) : 0) + (p < 1 ? (1 - p) * Math.log((1 - p) / (1 - q)) : 0);

export type Efficiency = {
  /** Wald's expected requests (or pairs) of the SPRT that knows both rates: log(1/α) over the information per request. */
  readonly limit: number;
  readonly median: number;
  /** median ÷ limit. */
  readonly ratio: number;
  /** median ÷ the limit of a test that has to learn the base rate from the baseline of the same minutes. */
  readonly ratioUnknownBase?: number;
};

/**
 * Information per request of a two-arm comparison in which the base rate is unknown: the likelihood ratio against one common
 * rate. At small shares it is that of a known base rate; at a quarter the baseline's own uncertainty costs about a quarter.
 */
export const comparisonInformation = (from: number, to: number, share: number): number => {
  const pooled = share * to + (1 - share) * from;
  return share * bernoulliInformation(to, pooled) + (1 - share) * bernoulliInformation(from, pooled);
};

type Setting = {
  readonly alpha: number;
  readonly requestsPerMinute: number;
  readonly share: number;
  readonly runs: number;
  readonly seed: number;
};

const conclude = (minutes: ReadonlyArray<number>, limitRequests: number, perMinute: number): Efficiency => {
  const median = medianOf(minutes) * perMinute;
  return { limit: limitRequests, median, ratio: median / limitRequests };
};

const MOST_MINUTES = 5_000;

/** One rate metric alone: errors go from `from` to `to` with the first request; both arms are looked at each minute. */
export const rateEfficiency = (setting: Setting & { readonly from: number; readonly to: number }): Efficiency => {
  const { alpha, requestsPerMinute, share, from, to } = setting;
  const random = randomSource(setting.seed);
  const candidate = Math.round(requestsPerMinute * share);
  const baseline = requestsPerMinute - candidate;
  const minutes = Array.from({ length: setting.runs }, () => {
    let state = stratifiedRates.initial();
    for (let minute = 1; minute < MOST_MINUTES; minute++) {
      state = stratifiedRates.update(state, {
        baseline: { n: baseline, events: drawBinomial(random, baseline, from) },
        candidate: { n: candidate, events: drawBinomial(random, candidate, to) },
      });
      if (state.peakLogE >= -Math.log(alpha)) return minute;
    }
    return Number.POSITIVE_INFINITY;
  });
  const known = conclude(minutes, -Math.log(alpha) / (share * bernoulliInformation(to, from)), requestsPerMinute);
  return { ...known, ratioUnknownBase: (known.median * comparisonInformation(from, to, share)) / -Math.log(alpha) };
};

/** Latency alone: every candidate latency is `ratio` times longer (log-normal, σ = 0.6). The limit knows p95 and its share. */
export const latencyEfficiency = (setting: Setting & { readonly ratio: number }): Efficiency => {
  const { alpha, requestsPerMinute, share, ratio } = setting;
  const random = randomSource(setting.seed);
  const candidate = Math.round(requestsPerMinute * share);
  const baseline = requestsPerMinute - candidate;
  const fault = { ...noFault, latencyRatio: ratio };
  const zero = { p90: 0, p95: 0, p99: 0 };
  const minutes = Array.from({ length: setting.runs }, () => {
    // One minute of the baseline alone teaches the thresholds.
    let state = exceedance.update(exceedance.initial(), {
      thresholdsMs: null,
      baseline: { n: requestsPerMinute, over: zero },
      candidate: { n: 0, over: zero },
      baselineQuantilesMs: drawQuantiles(random, requestsPerMinute, steady),
    });
    for (let minute = 1; minute < MOST_MINUTES; minute++) {
      const thresholdsMs = state.nextThresholdsMs;
      const b = drawArm(random, baseline, 0, plainKind, steady, noFault, thresholdsMs);
      const c = drawArm(random, candidate, 0, plainKind, steady, fault, thresholdsMs);
      state = exceedance.update(state, {
        thresholdsMs,
        baseline: { n: b.n, over: b.over },
        candidate: { n: c.n, over: c.over },
        baselineQuantilesMs: drawQuantiles(random, baseline, steady),
      });
      if (state.peakLogE >= -Math.log(alpha)) return minute;
    }
    return Number.POSITIVE_INFINITY;
  });
  const slow = normal.sf(normal.upperQuantile(0.05) - Math.log(ratio) / LOG_LATENCY_SD);
  const known = conclude(minutes, -Math.log(alpha) / (share * bernoulliInformation(slow, 0.05)), requestsPerMinute);
  return { ...known, ratioUnknownBase: (known.median * comparisonInformation(0.05, slow, share)) / -Math.log(alpha) };
};

/** Standard deviation of judged differences in the simulation: the middle of what recorded evaluations show (0.17 to 0.3). */
export const SHADOW_SD = 0.2;
const SHADOW_BATCH = 20;

const difference = (random: () => number, mean: number): number =>
  Math.max(-1, Math.min(1, mean + SHADOW_SD * drawNormal(random)));

/** The shadow's hybrid test on normal differences (sd 0.2) with mean −delta; limit: the normal SPRT that knows delta and sd. */
export const shadowEfficiency = (setting: {
  readonly alpha: number;
  readonly delta: number;
  readonly horizon: number;
  readonly runs: number;
  readonly seed: number;
}): Efficiency => {
  const { alpha, delta, horizon } = setting;
  const random = randomSource(setting.seed);
  const limit = (-Math.log(alpha) * 2 * SHADOW_SD * SHADOW_SD) / (delta * delta);
  const pairs = Array.from({ length: setting.runs }, () => {
    let state = hybrid.initial({ alpha, horizon });
    for (let n = SHADOW_BATCH; n < 20 * limit + 1_000; n += SHADOW_BATCH) {
      const differences = Array.from({ length: SHADOW_BATCH }, () => difference(random, -delta));
      state = hybrid.update(state, { differences });
      if (hybrid.evidence(state).rejected) return n;
    }
    return Number.POSITIVE_INFINITY;
  });
  return conclude(pairs, limit, 1);
};

/** Share of healthy shadows (mean difference 0, sd 0.2) of `pairs` pairs that the hybrid ever rejects. */
export const shadowFalseAlarms = (setting: {
  readonly alpha: number;
  readonly horizon: number;
  readonly pairs: number;
  readonly runs: number;
  readonly seed: number;
}): number => {
  const random = randomSource(setting.seed);
  let alarms = 0;
  for (let run = 0; run < setting.runs; run++) {
    const differences = Array.from({ length: setting.pairs }, () => difference(random, 0));
    const initial = hybrid.initial({ alpha: setting.alpha, horizon: setting.horizon });
    if (hybrid.evidence(hybrid.update(initial, { differences })).rejected) alarms++;
  }
  return alarms / setting.runs;
};
