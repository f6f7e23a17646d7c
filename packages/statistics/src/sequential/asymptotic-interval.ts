import { requirePositive, requireProbability } from "../invalid-argument.ts";
import type { ConfidenceInterval } from "../offline/alternative.ts";

/** ρ that makes the confidence sequence narrowest near `tuning` observations (Waudby-Smith et al. 2024). */
export const sequentialRho = (alpha: number, tuning: number): number => {
  const c = -2 * Math.log(alpha);
  return Math.sqrt((c + Math.log(c + 1)) / tuning);
};

/**
 * Half width of the two-sided asymptotic confidence sequence for a mean: σ̂·√(2(nρ²+1)/(n²ρ²)·log(√(nρ²+1)/α)).
 * `variance` is that of one observation, `tuning` the n at which it should be narrowest. Covers the mean at all n at once with
 * probability 1 − α in the limit of many observations: for display, not for a decision on a few dozen.
 * Source: Waudby-Smith, Arbour, Sinha, Kennedy & Ramdas 2024 (as in GrowthBook).
 */
export const asymptoticHalfWidth = (variance: number, n: number, tuning: number, alpha: number): number => {
  checked(variance, n, tuning, alpha);
  const rho2 = sequentialRho(alpha, tuning) ** 2;
  return Math.sqrt(variance * ((2 * (n * rho2 + 1)) / (n * n * rho2)) * Math.log(Math.sqrt(n * rho2 + 1) / alpha));
};

/** Half width of the one-sided sequence (their eq. 134): ρ at 2α and log(1 + √(nρ²+1)/(2α)). */
export const asymptoticHalfWidthOneSided = (variance: number, n: number, tuning: number, alpha: number): number => {
  checked(variance, n, tuning, alpha);
  requireProbability("2 alpha", 2 * alpha);
  const rho2 = sequentialRho(2 * alpha, tuning) ** 2;
  return Math.sqrt(
    variance * ((2 * (n * rho2 + 1)) / (n * n * rho2)) * Math.log1p(Math.sqrt(n * rho2 + 1) / (2 * alpha)),
  );
};

const checked = (variance: number, n: number, tuning: number, alpha: number): void => {
  if (variance !== 0) requirePositive("variance", variance);
  requirePositive("n", n);
  requirePositive("tuning", tuning);
  requireProbability("alpha", alpha);
};

/** Interval around an estimate; null while there is no spread to judge it by. */
export const asymptoticInterval = (
  estimate: number,
  variance: number,
  n: number,
  tuning: number,
  confidence: number,
): ConfidenceInterval | null => {
  if (!(n > 0 && variance > 0)) return null;
  const reach = asymptoticHalfWidth(variance, n, tuning, 1 - confidence);
  return { low: estimate - reach, high: estimate + reach, confidence };
};
