import { InvalidArgument } from "../invalid-argument.ts";
import { lowerOf, type Tails, upperOf } from "../special/tails.ts";

/** `less`: the effect lies below its value under the null hypothesis; `greater`: above. */
export type Alternative = "two-sided" | "less" | "greater";

/** An interval with its confidence; one-sided intervals have an infinite end. */
export type ConfidenceInterval = { readonly low: number; readonly high: number; readonly confidence: number };

export const requireAlternative = (alternative: Alternative): Alternative => {
  if (alternative !== "two-sided" && alternative !== "less" && alternative !== "greater") {
    throw new InvalidArgument("alternative", alternative, '"two-sided", "less" or "greater"');
  }
  return alternative;
};

/** The p-value of a symmetric statistic from its tails at the observed value. */
export const pValueOf = (tails: Tails, alternative: Alternative): number => {
  if (alternative === "less") return lowerOf(tails);
  if (alternative === "greater") return upperOf(tails);
  return Math.min(1, 2 * Math.exp(Math.min(tails.logLower, tails.logUpper)));
};
