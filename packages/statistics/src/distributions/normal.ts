import { requireFinite, requirePositive } from "../invalid-argument.ts";
import { gammaTails } from "../special/incomplete-gamma.ts";
import { continuousQuantile } from "../special/quantile.ts";
import type { Tails } from "../special/tails.ts";
import { distribution } from "./distribution.ts";

/** Φ through the incomplete gamma function: P(|Z| ≤ z) = P(½, z²/2). */
export const standardNormalTails = (z: number): Tails => {
  if (z === 0) return { logLower: -Math.LN2, logUpper: -Math.LN2 };
  const logFar = gammaTails(0.5, (z * z) / 2).logUpper - Math.LN2;
  const logNear = Math.log1p(-Math.exp(logFar));
  return z > 0 ? { logLower: logNear, logUpper: logFar } : { logLower: logFar, logUpper: logNear };
};

/** Normal distribution; parameters mean (default 0) and standard deviation (default 1). */
export const normal = distribution<[mean?: number, sd?: number]>({
  check: (mean = 0, sd = 1) => {
    requireFinite("mean", mean);
    requirePositive("sd", sd);
  },
  tails: (x, mean = 0, sd = 1) => standardNormalTails((x - mean) / sd),
  solve: (p, tail, mean = 0, sd = 1) => mean + sd * continuousQuantile(standardNormalTails, p, tail, -40, 40),
});

const zOfLevel = new Map<number, number>();

/** z with P(Z > z) = level; remembered, since tests ask for the same few levels again and again. */
export const upperZ = (level: number): number => {
  const known = zOfLevel.get(level);
  if (known !== undefined) return known;
  const z = normal.upperQuantile(level);
  if (zOfLevel.size < 256) zOfLevel.set(level, z);
  return z;
};
