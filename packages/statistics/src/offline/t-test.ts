import { studentT } from "../distributions/student-t.ts";
import {
  InvalidArgument,
  requireCount,
  requireFinite,
  requireNumbers,
  requirePositive,
  requireProbability,
  requireSameLength,
} from "../invalid-argument.ts";
import { type Alternative, type ConfidenceInterval, pValueOf, requireAlternative } from "./alternative.ts";
import { momentsOf } from "./moments.ts";

export type TTestOptions = {
  /** Value of the mean (or difference) under the null hypothesis; −margin with `greater` is a non-inferiority test. */
  readonly mu?: number;
  readonly alternative?: Alternative;
  readonly confidence?: number;
};

export type TTest = {
  readonly t: number;
  readonly df: number;
  readonly pValue: number;
  readonly estimate: number;
  readonly standardError: number;
  readonly interval: ConfidenceInterval;
};

const conclude = (estimate: number, standardError: number, df: number, options: TTestOptions): TTest => {
  const mu = requireFinite("mu", options.mu ?? 0);
  const alternative = requireAlternative(options.alternative ?? "two-sided");
  const confidence = requireProbability("confidence", options.confidence ?? 0.95);
  const t = (estimate - mu) / standardError;
  const level = alternative === "two-sided" ? (1 - confidence) / 2 : 1 - confidence;
  const reach = standardError * studentT.upperQuantile(level, df);
  return {
    t,
    df,
    pValue: pValueOf({ logLower: studentT.logCdf(t, df), logUpper: studentT.logSf(t, df) }, alternative),
    estimate,
    standardError,
    interval: {
      low: alternative === "less" ? Number.NEGATIVE_INFINITY : estimate - reach,
      high: alternative === "greater" ? Number.POSITIVE_INFINITY : estimate + reach,
      confidence,
    },
  };
};

const requireSpread = (argument: string, standardError: number): void => {
  if (!(standardError > 0))
    throw new InvalidArgument(argument, standardError, "values that are not all equal (use a sign test)");
};

/**
 * Student's one-sample t: t = (x̄ − μ)/(s/√n) with n − 1 degrees of freedom; p and interval follow `alternative` (a one-sided
 * interval has an infinite end). Assumes independent values whose mean is near normal: below n = 30 and with skew prefer
 * `signFlipPermutation`. Errors: fewer than 2 values, or all equal. Source: Student 1908; equal to R's `t.test`.
 */
export const oneSampleT = (values: ReadonlyArray<number>, options: TTestOptions = {}): TTest => {
  requireNumbers("values", values, 2);
  const { n, mean, sd } = momentsOf(values);
  const standardError = sd / Math.sqrt(n);
  requireSpread("values", standardError);
  return conclude(mean, standardError, n - 1, options);
};

/**
 * Paired t on candidate − baseline, in the order of the lists. Repeats of one case are not independent: average them first.
 * Errors: lists of different length, fewer than 2 pairs, differences all equal. Equal to R's `t.test(paired = TRUE)`.
 */
export const pairedT = (
  candidate: ReadonlyArray<number>,
  baseline: ReadonlyArray<number>,
  options: TTestOptions = {},
): TTest => {
  requireNumbers("candidate", candidate, 2);
  requireNumbers("baseline", baseline, 2);
  requireSameLength("candidate", candidate, "baseline", baseline);
  const differences = candidate.map((value, i) => value - (baseline[i] as number));
  const { n, mean, sd } = momentsOf(differences);
  const standardError = sd / Math.sqrt(n);
  requireSpread("candidate - baseline", standardError);
  return conclude(mean, standardError, n - 1, options);
};

/**
 * Two-sample t of mean(x) − mean(y): Welch's with Satterthwaite's degrees of freedom, or pooled with `equalVariances`.
 * Assumes independent observations. Errors as `oneSampleT`. Equal to R's `t.test`.
 */
export const twoSampleT = (
  x: ReadonlyArray<number>,
  y: ReadonlyArray<number>,
  options: TTestOptions & { readonly equalVariances?: boolean } = {},
): TTest => {
  requireNumbers("x", x, 2);
  requireNumbers("y", y, 2);
  const a = momentsOf(x);
  const b = momentsOf(y);
  if (!options.equalVariances) return welchFromSummaries(a, b, options);
  const df = a.n + b.n - 2;
  const standardError = Math.sqrt(((a.sumSquares + b.sumSquares) / df) * (1 / a.n + 1 / b.n));
  requireSpread("x and y", standardError);
  return conclude(a.mean - b.mean, standardError, df, options);
};

export type Summary = { readonly n: number; readonly mean: number; readonly sd: number };

/** Welch's t from n, mean and standard deviation (n − 1 in its denominator) of each sample. */
export const welchFromSummaries = (x: Summary, y: Summary, options: TTestOptions = {}): TTest => {
  for (const [name, summary] of [
    ["x", x],
    ["y", y],
  ] as const) {
    requireCount(`${name}.n`, summary.n, 2);
    requireFinite(`${name}.mean`, summary.mean);
    if (summary.sd !== 0) requirePositive(`${name}.sd`, summary.sd);
  }
  const vx = (x.sd * x.sd) / x.n;
  const vy = (y.sd * y.sd) / y.n;
  const standardError = Math.sqrt(vx + vy);
  requireSpread("x and y", standardError);
  const df = ((vx + vy) * (vx + vy)) / ((vx * vx) / (x.n - 1) + (vy * vy) / (y.n - 1));
  return conclude(x.mean - y.mean, standardError, df, options);
};
