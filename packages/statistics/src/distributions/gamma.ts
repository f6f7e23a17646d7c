import { requirePositive } from "../invalid-argument.ts";
import { gammaTails } from "../special/incomplete-gamma.ts";
import { distribution, positiveQuantile } from "./distribution.ts";

/** Gamma distribution; parameters shape and rate, both above 0. */
export const gamma = distribution<[shape: number, rate?: number]>({
  check: (shape, rate = 1) => {
    requirePositive("shape", shape);
    requirePositive("rate", rate);
  },
  tails: (x, shape, rate = 1) => gammaTails(shape, x * rate),
  solve: (p, tail, shape, rate = 1) => positiveQuantile((x) => gammaTails(shape, x), p, tail) / rate,
});

/** Chi-square distribution; parameter degrees of freedom above 0. */
export const chiSquare = distribution<[df: number]>({
  check: (df) => requirePositive("df", df),
  tails: (x, df) => gammaTails(df / 2, x / 2),
  solve: (p, tail, df) => 2 * positiveQuantile((x) => gammaTails(df / 2, x), p, tail),
});
