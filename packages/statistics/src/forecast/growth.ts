import { normal } from "../distributions/normal.ts";
import { groupMeans, priceOf } from "../sequential/group-means.ts";
import { stratifiedRates } from "../sequential/stratified-rates.ts";
import { findRoot } from "../special/root.ts";

/** What is watched, by its kind. Rates and scores in [0, 1]; latencies near log-normal. */
export type ForecastMetric =
  | { readonly kind: "rate"; readonly baseRate: number; readonly psi0?: number }
  | { readonly kind: "latency"; readonly logSd: number; readonly psi0?: number }
  | {
      readonly kind: "mean";
      /** Mean and standard deviation of the baseline's scores, in [0, 1]. */
      readonly baseMean: number;
      readonly sd: number;
      /** Share of the units that are judged. */
      readonly judgedShare: number;
      readonly margin?: number;
    };

/** Mean and variance of the log e-value of one window, for one alternative of the mixture, and what the mixture costs it. */
export type Growth = { readonly mean: number; readonly variance: number; readonly cost: number };

type Window = { readonly baseline: number; readonly candidate: number };

const logit = (p: number): number => Math.log(p / (1 - p));
const fromOdds = (rate: number, odds: number): number => (rate * odds) / (1 - rate + rate * odds);

/** Rates of the two arms with a given odds ratio whose pooled rate is `pooled`. */
const ratesWith = (psi: number, pooled: number, share: number): readonly [number, number] => {
  const excess = (p0: number): number => share * fromOdds(p0, psi) + (1 - share) * p0 - pooled;
  const p0 = findRoot(excess, pooled / psi / 2, pooled, 1e-12);
  return [p0, fromOdds(p0, psi)];
};

const rateGrowths = (
  window: Window,
  from: number,
  to: number,
  psi0: number,
  extraCost: number,
): ReadonlyArray<Growth> => {
  const n = window.baseline + window.candidate;
  const share = window.candidate / n;
  const pooled = share * to + (1 - share) * from;
  const defaults = stratifiedRates.initial().config;
  const [base0, base1] = psi0 === 1 ? [pooled, pooled] : ratesWith(psi0, pooled, share);
  return defaults.oddsRatios.map((ratio, j) => {
    const [q0, q1] = ratesWith(ratio * psi0, pooled, share);
    const gain = (p: number, q: number, base: number): number =>
      p * Math.log(q / base) + (1 - p) * Math.log((1 - q) / (1 - base));
    const swing = (p: number, q: number, base: number): number => p * (1 - p) * (logit(q) - logit(base)) ** 2;
    return {
      mean: window.candidate * gain(to, q1, base1) + window.baseline * gain(from, q0, base0),
      variance: window.candidate * swing(to, q1, base1) + window.baseline * swing(from, q0, base0),
      cost: -Math.log((defaults.weights[j] as number) * defaults.start.atFirst) + extraCost,
    };
  });
};

type MeanMetric = Extract<ForecastMetric, { readonly kind: "mean" }>;

const meanGrowths = (window: Window, drop: number, metric: MeanMetric): ReadonlyArray<Growth> => {
  const { baseline: nb, candidate: nc } = window;
  const variance = metric.sd * metric.sd;
  const size = (nb * nc) / (nb + nc);
  const defaults = groupMeans.initial().config;
  const rangeC = 1 - metric.baseMean + drop;
  const rangeB = metric.baseMean;
  return defaults.bets.map((bet, j) => {
    const stake = Math.min(bet * size, (0.9 * nc) / rangeC, (0.9 * nb) / rangeB);
    const price = nc * priceOf(stake / nc, rangeC) + nb * priceOf(stake / nb, rangeB);
    return {
      mean: stake * (drop - (metric.margin ?? 0)) - price * variance,
      variance: stake * stake * variance * (1 / nc + 1 / nb),
      cost: -Math.log((defaults.weights[j] as number) * defaults.start.atFirst),
    };
  });
};

const TAILS = [0.1, 0.05, 0.01];

/**
 * Growth of each alternative of the metric's mixture in a window, at an effect: the candidate's rate, the ratio of latencies,
 * or the drop of the mean. The list is the same length and order for every window.
 */
export const growthsOf = (metric: ForecastMetric, effect: number, window: Window): ReadonlyArray<Growth> => {
  if (metric.kind === "rate") return rateGrowths(window, metric.baseRate, effect, metric.psi0 ?? 1, 0);
  if (metric.kind === "mean") {
    const judged = { baseline: window.baseline * metric.judgedShare, candidate: window.candidate * metric.judgedShare };
    return meanGrowths(judged, effect, metric);
  }
  // Three thresholds share the e-value: each pays log 3.
  return TAILS.flatMap((tail) => {
    const slow = normal.sf(normal.upperQuantile(tail) - Math.log(effect) / metric.logSd);
    return rateGrowths(window, tail, slow, metric.psi0 ?? 1, Math.log(3));
  });
};
