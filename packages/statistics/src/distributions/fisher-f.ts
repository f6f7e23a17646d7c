import { requirePositive } from "../invalid-argument.ts";
import { betaTails } from "../special/incomplete-beta.ts";
import { allAbove, allBelow, type Tails } from "../special/tails.ts";
import { distribution, positiveQuantile } from "./distribution.ts";

const tails = (x: number, df1: number, df2: number): Tails => {
  if (x <= 0) return allAbove;
  const ratio = (df1 * x) / df2;
  if (ratio === Number.POSITIVE_INFINITY) return allBelow;
  return betaTails(ratio / (1 + ratio), 1 / (1 + ratio), df1 / 2, df2 / 2);
};

/** Fisher's F; parameters the two degrees of freedom, above 0. */
export const fisherF = distribution<[df1: number, df2: number]>({
  check: (df1, df2) => {
    requirePositive("df1", df1);
    requirePositive("df2", df2);
  },
  tails,
  solve: (p, tail, df1, df2) => positiveQuantile((x) => tails(x, df1, df2), p, tail),
});
