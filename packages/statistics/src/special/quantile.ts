import { findRoot } from "./root.ts";
import type { Tails } from "./tails.ts";

/** Which tail a probability belongs to: `lower` asks for P(X ≤ x) = p, `upper` for P(X > x) = p. */
export type Tail = "lower" | "upper";

/**
 * Solves P = p for a continuous distribution on a coordinate u (a logit, logarithm or sinh of x, so that far tails are no
 * further than a few hundred). Always solved in the smaller tail and in logs, so that p = 1e−300 is as exact as p = 0.3.
 */
export const continuousQuantile = (
  tailsAt: (u: number) => Tails,
  p: number,
  tail: Tail,
  low: number,
  high: number,
): number => {
  const inGiven = p <= 0.5;
  const logTarget = Math.log(inGiven ? p : 1 - p);
  const useLower = (tail === "lower") === inGiven;
  const error = (u: number): number => {
    const at = tailsAt(u);
    return useLower ? at.logLower - logTarget : logTarget - at.logUpper;
  };
  return findRoot(error, low, high);
};

// R's fuzz: a cdf that misses p by rounding alone still counts as having reached it.
const FUZZ = 64 * Number.EPSILON;

/** Smallest whole x in [low, high] with P(X ≤ x) ≥ p (lower) or P(X > x) ≤ p (upper). */
export const discreteQuantile = (
  tailsAt: (x: number) => Tails,
  p: number,
  tail: Tail,
  low: number,
  high: number,
): number => {
  const logP = Math.log(p);
  const reached = (x: number): boolean => {
    const at = tailsAt(x);
    return tail === "lower" ? at.logLower >= logP + Math.log1p(-FUZZ) : at.logUpper <= logP + Math.log1p(FUZZ);
  };
  let below = low - 1;
  let step = 1;
  let above = low;
  while (above < high && !reached(above)) {
    below = above;
    above = Math.min(high, above + step);
    step *= 2;
  }
  while (above - below > 1) {
    const middle = Math.floor(below + (above - below) / 2);
    if (reached(middle)) above = middle;
    else below = middle;
  }
  return above;
};
