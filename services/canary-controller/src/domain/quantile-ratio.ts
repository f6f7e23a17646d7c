import { type RandomSource, randomSource } from "@sluice/statistics";

export interface QuantileRatio {
  readonly baseline: number;
  readonly candidate: number;
  /** Candidate over baseline. */
  readonly ratio: number;
  readonly interval: { readonly low: number; readonly high: number; readonly confidence: number };
}

const RESAMPLES = 4_000;
/** Fixed, so that the same recording always gives the same interval. */
const SEED = 20_260_131;

/**
 * Ratio of a quantile between two samples, with its bootstrap percentile interval. A resample's quantile is drawn directly:
 * the k-th of n uniform ranks is Beta(k, n − k + 1), so no resample has to be sorted. Null for an empty sample, or a
 * baseline whose quantile is 0. Interpolates as numpy does.
 */
export const quantileRatio = (
  baseline: ReadonlyArray<number>,
  candidate: ReadonlyArray<number>,
  quantile: number,
  confidence: number,
): QuantileRatio | null => {
  const [from, to] = [baseline, candidate].map((values) => values.toSorted((a, b) => a - b));
  if (!from || !to || from.length === 0 || to.length === 0) return null;
  const [base, value] = [quantileOf(from, quantile), quantileOf(to, quantile)];
  if (base <= 0) return null;
  const random = randomSource(SEED);
  const ratios = Array.from(
    { length: RESAMPLES },
    () =>
      resampledQuantile(random, to, quantile) / Math.max(Number.MIN_VALUE, resampledQuantile(random, from, quantile)),
  ).sort((a, b) => a - b);
  const tail = (1 - confidence) / 2;
  return {
    baseline: base,
    candidate: value,
    ratio: value / base,
    interval: { low: quantileOf(ratios, tail), high: quantileOf(ratios, 1 - tail), confidence },
  };
};

const quantileOf = (sorted: ReadonlyArray<number>, quantile: number): number => {
  const position = quantile * (sorted.length - 1);
  const below = Math.floor(position);
  const [low, high] = [sorted[below] ?? 0, sorted[below + 1] ?? sorted[below] ?? 0];
  return low + (high - low) * (position - below);
};

/** The quantile of as many values drawn with replacement: two neighbouring order statistics, interpolated. */
const resampledQuantile = (random: RandomSource, sorted: ReadonlyArray<number>, quantile: number): number => {
  const n = sorted.length;
  const position = quantile * (n - 1);
  const below = Math.floor(position);
  const at = (rank: number) => sorted[Math.min(n - 1, Math.floor(rank * n))] ?? 0;
  const rank = betaDraw(random, below + 1, n - below);
  if (below + 1 >= n) return at(rank);
  const next = rank + (1 - rank) * (1 - (1 - random()) ** (1 / (n - below - 1)));
  return at(rank) + (at(next) - at(rank)) * (position - below);
};

const betaDraw = (random: RandomSource, a: number, b: number): number => {
  const x = gammaDraw(random, a);
  return x / (x + gammaDraw(random, b));
};

/** Marsaglia & Tsang 2000, for shapes of at least 1. */
const gammaDraw = (random: RandomSource, shape: number): number => {
  const d = shape - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const x = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    const v = (1 + c * x) ** 3;
    if (v > 0 && Math.log(1 - random()) < 0.5 * x * x + d - d * v + d * Math.log(v)) return d * v;
  }
};
