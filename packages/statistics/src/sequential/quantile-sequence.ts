import { InvalidArgument, requireCount, requireProbability } from "../invalid-argument.ts";
import { logGamma } from "../special/log-gamma.ts";

/** A bin of a histogram: values above `low`, up to and with `high`. */
export type HistogramBin = { readonly low: number; readonly high: number; readonly count: number };

/** Where the quantile lies, in the unit of the bins; an end is null while the counts bound nothing on that side. */
export type QuantileBounds = { readonly n: number; readonly low: number | null; readonly high: number | null };

// Units at which the sequence is narrowest; the prior then weighs about an eighth of them.
const DISPLAY_TUNING = 1_000;
const PRIOR_WEIGHT = DISPLAY_TUNING / 8;

/** Log likelihood ratio of a Beta mixture against Binomial(n, p), of k of n: a martingale in n while p is true. */
const logMixture = (k: number, n: number, p: number): number => {
  const [a, b] = [p * PRIOR_WEIGHT, (1 - p) * PRIOR_WEIGHT];
  const logBeta = (x: number, y: number) => logGamma(x) + logGamma(y) - logGamma(x + y);
  return logBeta(a + k, b + n - k) - logBeta(a, b) - k * Math.log(p) - (n - k) * Math.log1p(-p);
};

/** The last k in the direction of `far` (with it) that is not rejected; log mixtures are convex in k. */
const lastKept = (near: number, far: number, isKept: (k: number) => boolean): number => {
  if (isKept(far)) return far;
  let [kept, rejected] = [near, far];
  while (Math.abs(rejected - kept) > 1) {
    const middle = Math.trunc((kept + rejected) / 2);
    if (isKept(middle)) kept = middle;
    else rejected = middle;
  }
  return kept;
};

/**
 * Confidence sequence of one quantile, from a histogram of all units so far: at all n at once it covers the quantile with
 * probability of at least `confidence`, however often one looks. Of the true quantile, "not above it" has probability p, so the
 * count of such units stays where a Beta mixture's likelihood ratio against p is below 1/α (Ville); inverting that over the
 * counts gives the bounds, widened to the edges of the bins in which they fall. `bins` ascend and do not overlap; those without
 * units may be left out.
 *
 * Assumes that the units of the histogram are independent and alike: of a latency that moves with the hour it covers the
 * quantile of no single hour. For display. Errors: `InvalidArgument`. Source: Robbins 1970 (the mixture), Howard & Ramdas 2022
 * (sequential quantiles by inversion).
 */
export const quantileSequence = (
  bins: ReadonlyArray<HistogramBin>,
  quantile: number,
  confidence: number,
): QuantileBounds => {
  requireProbability("quantile", quantile);
  requireProbability("confidence", confidence);
  bins.forEach(({ low, high, count }, i) => {
    requireCount(`bins[${i}].count`, count);
    if (!(low < high && low >= (bins[i - 1]?.high ?? low)))
      throw new InvalidArgument(`bins[${i}]`, `${low} to ${high}`, "a bin above the one before it");
  });
  const n = bins.reduce((sum, { count }) => sum + count, 0);
  const limit = -Math.log(1 - confidence);
  const isKept = (k: number) => logMixture(k, n, quantile) < limit;
  const expected = Math.round(n * quantile);
  const [fewest, most] = [lastKept(expected, 0, isKept), lastKept(expected, n, isKept)];
  let upTo = 0;
  let [low, high]: [number | null, number | null] = [null, null];
  for (const bin of bins) {
    upTo += bin.count;
    if (low === null && fewest > 0 && upTo >= fewest) low = bin.low;
    if (high === null && upTo > most) high = bin.high;
  }
  return { n, low, high };
};
