import type { ConfidenceInterval } from "../offline/alternative.ts";

/**
 * What every sequential process says after any number of windows. `logE` is the natural log of an e-process: under the null
 * hypothesis it ever reaches log(1/α) with probability at most α, however often one looks and whenever one stops.
 */
export type Evidence = {
  readonly logE: number;
  /** The highest logE so far, looked at after each update. */
  readonly peakLogE: number;
  /** Candidate against baseline, in the unit the process names; null until it can be estimated. */
  readonly estimate: number | null;
  /** Asymptotic confidence sequence around the estimate: for display, no decision rests on it; null until it exists. */
  readonly interval: ConfidenceInterval | null;
  readonly n: { readonly baseline: number; readonly candidate: number };
};

/** α reached: the evidence for harm is at least 1/α. */
export const exceeds = (logE: number, alpha: number): boolean => logE >= -Math.log(alpha);
