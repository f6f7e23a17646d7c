import { standardNormalTails } from "../distributions/normal.ts";
import { lowerOf } from "../special/tails.ts";

/**
 * Probability that a Brownian motion with drift has reached `barrier` by the time its mean is `mean` and its variance
 * `variance` (inverse Gaussian distribution function). Exact when mean and variance grow in proportion.
 */
export const passageProbability = (mean: number, variance: number, barrier: number): number => {
  if (!(variance > 0)) return mean >= barrier ? 1 : 0;
  const sd = Math.sqrt(variance);
  const direct = lowerOf(standardNormalTails((mean - barrier) / sd));
  // exp(2am/v)·Φ(−(m+a)/√v), in logs: the factor alone overflows.
  const logReflected = (2 * barrier * mean) / variance + standardNormalTails((-mean - barrier) / sd).logLower;
  return Math.min(1, direct + Math.exp(logReflected));
};
