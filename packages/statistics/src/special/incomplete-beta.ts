import { continuedFraction } from "./continued-fraction.ts";
import { logBinomialTerm } from "./log-gamma.ts";
import { allAbove, allBelow, fromLogLower, fromLogUpper, type Tails } from "./tails.ts";

const fraction = (x: number, a: number, b: number): number =>
  continuedFraction(
    1,
    (j) => {
      const m = j >> 1;
      return j % 2 === 0
        ? (m * (b - m) * x) / ((a + j - 1) * (a + j))
        : -((a + m) * (a + b + m) * x) / ((a + j - 1) * (a + j));
    },
    () => 1,
  );

/**
 * Regularised incomplete beta function I_x(a, b) and its complement, for a, b > 0 and y = 1 − x given apart (near 1, x alone
 * has lost its digits). Continued fraction DLMF 8.17.22 on the side where it converges fast.
 */
export const betaTails = (x: number, y: number, a: number, b: number): Tails => {
  if (x <= 0) return allAbove;
  if (y <= 0) return allBelow;
  const logTerm = logBinomialTerm(a, b, x, y);
  if (x <= (a + 1) / (a + b + 2)) {
    return fromLogLower(logTerm + Math.log(b / (a + b)) - Math.log(fraction(x, a, b)));
  }
  return fromLogUpper(logTerm + Math.log(a / (a + b)) - Math.log(fraction(y, b, a)));
};
