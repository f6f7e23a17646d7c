import { beta } from "../distributions/beta.ts";
import { upperZ } from "../distributions/normal.ts";
import { requireCount, requireCountOf, requireProbability } from "../invalid-argument.ts";
import type { ConfidenceInterval } from "./alternative.ts";

const check = (x: number, n: number, confidence: number, xName = "x", nName = "n"): void => {
  requireCount(nName, n, 1);
  requireCountOf(xName, x, nName, n);
  requireProbability("confidence", confidence);
};

/**
 * Wilson's score interval of a proportion x/n: (p̂ + z²/2n ± z√(p̂q̂/n + z²/4n²)) / (1 + z²/n). Coverage near nominal on
 * average, also for small n. Errors: n < 1, x > n. Source: Wilson 1927.
 */
export const wilsonInterval = (x: number, n: number, confidence = 0.95): ConfidenceInterval => {
  check(x, n, confidence);
  const z = upperZ((1 - confidence) / 2);
  const p = x / n;
  const centre = p + (z * z) / (2 * n);
  const reach = z * Math.sqrt((p * (1 - p)) / n + (z * z) / (4 * n * n));
  const scale = 1 + (z * z) / n;
  return {
    low: x === 0 ? 0 : (centre - reach) / scale,
    high: x === n ? 1 : (centre + reach) / scale,
    confidence,
  };
};

/**
 * Clopper–Pearson interval: the proportions that exact one-sided binomial tests at (1 − confidence)/2 do not reject. Never
 * below nominal coverage, hence wide. Errors as `wilsonInterval`. Source: Clopper & Pearson 1934; equal to R's `binom.test`.
 */
export const clopperPearsonInterval = (x: number, n: number, confidence = 0.95): ConfidenceInterval => {
  check(x, n, confidence);
  const tail = (1 - confidence) / 2;
  return {
    low: x === 0 ? 0 : beta.quantile(tail, x, n - x + 1),
    high: x === n ? 1 : beta.upperQuantile(tail, x + 1, n - x),
    confidence,
  };
};

/**
 * Newcombe's hybrid score interval of p₁ − p₂ for independent proportions, from the two Wilson intervals (his method 10).
 * Errors as `wilsonInterval`. Source: Newcombe 1998.
 */
export const newcombeInterval = (
  first: { readonly x: number; readonly n: number },
  second: { readonly x: number; readonly n: number },
  confidence = 0.95,
): ConfidenceInterval => {
  check(first.x, first.n, confidence, "first.x", "first.n");
  check(second.x, second.n, confidence, "second.x", "second.n");
  const a = wilsonInterval(first.x, first.n, confidence);
  const b = wilsonInterval(second.x, second.n, confidence);
  const p1 = first.x / first.n;
  const p2 = second.x / second.n;
  return {
    low: p1 - p2 - Math.hypot(p1 - a.low, b.high - p2),
    high: p1 - p2 + Math.hypot(a.high - p1, p2 - b.low),
    confidence,
  };
};
