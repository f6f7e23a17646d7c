import { requireCount, requireNumbers } from "../invalid-argument.ts";
import { randomSource } from "../random/random-source.ts";
import { type Alternative, requireAlternative } from "./alternative.ts";

export type SignFlipOptions = {
  readonly alternative?: Alternative;
  /** Needed for more than 16 differences; the same seed gives the same p. */
  readonly seed: number;
  /** Random sign patterns above 16 differences. The smallest p is 1/(permutations + 1). */
  readonly permutations?: number;
};

export type SignFlip = {
  readonly mean: number;
  readonly pValue: number;
  readonly exact: boolean;
  readonly permutations: number;
};

const EXACT_UP_TO = 16;

/**
 * Sign-flip permutation test of the mean of paired differences: under the null hypothesis each difference is symmetric about
 * 0, so every pattern of signs was as likely. p is the share of patterns with a sum at least as extreme as the observed one
 * (`less`: at most as large; `two-sided`: in absolute value): all 2ⁿ of them up to n = 16, else (1 + hits)/(1 + permutations)
 * over seeded random patterns, which is a valid p at any number of them (Phipson & Smyth 2010). Assumes independent pairs,
 * symmetric under the null; not normality. Errors: no differences, values that are not finite.
 */
export const signFlipPermutation = (differences: ReadonlyArray<number>, options: SignFlipOptions): SignFlip => {
  requireNumbers("differences", differences);
  const alternative = requireAlternative(options.alternative ?? "two-sided");
  const sizes = differences.map(Math.abs).filter((size) => size > 0);
  let observed = 0;
  let scale = 0;
  for (const difference of differences) observed += difference;
  for (const size of sizes) scale += size;
  // Sums that are equal but for rounding are ties, and a tie counts as extreme.
  const slack = scale * 1e-12;
  const isExtreme = (sum: number): boolean => {
    if (alternative === "less") return sum <= observed + slack;
    if (alternative === "greater") return sum >= observed - slack;
    return Math.abs(sum) >= Math.abs(observed) - slack;
  };
  const mean = observed / differences.length;
  if (differences.length <= EXACT_UP_TO) {
    return { mean, pValue: exactShare(sizes, scale, isExtreme), exact: true, permutations: 2 ** sizes.length };
  }
  const permutations = requireCount("permutations", options.permutations ?? 9_999, 1);
  const random = randomSource(options.seed);
  let hits = 0;
  for (let i = 0; i < permutations; i++) {
    let sum = 0;
    let bits = 0;
    let left = 0;
    for (let j = 0; j < sizes.length; j++) {
      if (left === 0) {
        bits = Math.floor(random() * 4_294_967_296);
        left = 32;
      }
      sum += bits & 1 ? (sizes[j] as number) : -(sizes[j] as number);
      bits >>>= 1;
      left--;
    }
    if (isExtreme(sum)) hits++;
  }
  return { mean, pValue: (1 + hits) / (1 + permutations), exact: false, permutations };
};

const exactShare = (sizes: ReadonlyArray<number>, scale: number, isExtreme: (sum: number) => boolean): number => {
  const patterns = 2 ** sizes.length;
  let hits = 0;
  for (let pattern = 0; pattern < patterns; pattern++) {
    let positive = 0;
    for (let j = 0; j < sizes.length; j++) if ((pattern >>> j) & 1) positive += sizes[j] as number;
    if (isExtreme(2 * positive - scale)) hits++;
  }
  return hits / patterns;
};
