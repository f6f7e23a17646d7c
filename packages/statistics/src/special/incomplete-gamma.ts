import { continuedFraction } from "./continued-fraction.ts";
import { logPoissonTerm } from "./log-gamma.ts";
import { allAbove, allBelow, fromLogLower, fromLogUpper, type Tails } from "./tails.ts";

/**
 * Regularised incomplete gamma function: lower P(a, x), upper Q(a, x), for a > 0, x ≥ 0. Series below the mean, Legendre's
 * continued fraction above it (Abramowitz & Stegun 6.5.29, 6.5.31), with a prefactor free of cancellation.
 */
export const gammaTails = (a: number, x: number): Tails => {
  if (x <= 0) return allAbove;
  if (x === Number.POSITIVE_INFINITY) return allBelow;
  const logTerm = logPoissonTerm(a, x);
  if (x < a + 1) {
    let sum = 1;
    let term = 1;
    for (let k = 1; term > sum * 1e-17; k++) {
      term *= x / (a + k);
      sum += term;
    }
    return fromLogLower(logTerm + Math.log(sum));
  }
  const fraction = continuedFraction(
    x + 1 - a,
    (j) => j * (a - j),
    (j) => x + 1 - a + 2 * j,
  );
  return fromLogUpper(logTerm + Math.log(a) - Math.log(fraction));
};
