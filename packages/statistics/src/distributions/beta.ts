import { requirePositive } from "../invalid-argument.ts";
import { betaTails } from "../special/incomplete-beta.ts";
import { distribution, ratioQuantile } from "./distribution.ts";

/** Beta distribution; parameters a and b above 0. */
export const beta = distribution<[a: number, b: number]>({
  check: (a, b) => {
    requirePositive("a", a);
    requirePositive("b", b);
  },
  tails: (x, a, b) => betaTails(x, 1 - x, a, b),
  solve: (p, tail, a, b) => ratioQuantile((x, y) => betaTails(x, y, a, b), p, tail),
});
