import { chiSquare } from "../distributions/gamma.ts";
import {
  InvalidArgument,
  requireCount,
  requireNumbers,
  requirePositive,
  requireSameLength,
} from "../invalid-argument.ts";

/**
 * Chi-square test that counts per arm follow the weights (sample-ratio mismatch), for one look at a fixed n. Count what was
 * randomised (users, conversations): requests of one conversation are not independent. Needs expected counts of 5 or more.
 * Errors: fewer than 2 arms, all counts 0, weights not above 0. For looks at any time see `sampleRatio`.
 */
export const chiSquareSampleRatio = (
  counts: ReadonlyArray<number>,
  weights: ReadonlyArray<number>,
): { readonly chiSquare: number; readonly df: number; readonly pValue: number } => {
  requireNumbers("counts", counts, 2);
  requireNumbers("weights", weights, 2);
  requireSameLength("weights", weights, "counts", counts);
  for (let i = 0; i < counts.length; i++) requireCount(`counts[${i}]`, counts[i] as number);
  for (let i = 0; i < weights.length; i++) requirePositive(`weights[${i}]`, weights[i] as number);
  const n = counts.reduce((sum, count) => sum + count, 0);
  if (n === 0) throw new InvalidArgument("counts", counts, "counts that are not all 0");
  const whole = weights.reduce((sum, weight) => sum + weight, 0);
  let statistic = 0;
  counts.forEach((count, i) => {
    const expected = (n * (weights[i] as number)) / whole;
    statistic += ((count - expected) * (count - expected)) / expected;
  });
  const df = counts.length - 1;
  return { chiSquare: statistic, df, pValue: chiSquare.sf(statistic, df) };
};
