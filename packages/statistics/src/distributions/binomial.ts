import { requireCount, requirePositive, requireWithin } from "../invalid-argument.ts";
import { betaTails } from "../special/incomplete-beta.ts";
import { gammaTails } from "../special/incomplete-gamma.ts";
import { logBinomialTerm } from "../special/log-gamma.ts";
import { allAbove, allBelow, type Tails } from "../special/tails.ts";
import { distribution, wholeQuantile } from "./distribution.ts";

const binomialTails = (x: number, n: number, p: number): Tails => {
  const k = Math.floor(x + 1e-7);
  if (k < 0) return allAbove;
  if (k >= n) return allBelow;
  // P(X > k) = I_p(k+1, n−k): the beta variable's lower tail is the binomial's upper one.
  const tails = betaTails(p, 1 - p, k + 1, n - k);
  return { logLower: tails.logUpper, logUpper: tails.logLower };
};

/** Binomial distribution; parameters n ≥ 0 whole and success probability p in [0, 1]. */
export const binomial = {
  ...distribution<[n: number, p: number]>({
    check: (n, p) => {
      requireCount("n", n);
      requireWithin("p", p, 0, 1);
    },
    tails: binomialTails,
    solve: (level, tail, n, p) => wholeQuantile((x) => binomialTails(x, n, p), level, tail, 0, n),
  }),
  /** log P(X = k). */
  logPmf: (k: number, n: number, p: number): number => {
    requireCount("n", n);
    requireCount("k", k);
    requireWithin("p", p, 0, 1);
    return k > n ? Number.NEGATIVE_INFINITY : logBinomialTerm(k, n - k, p, 1 - p);
  },
};

const poissonTails = (x: number, mean: number): Tails => {
  const k = Math.floor(x + 1e-7);
  if (k < 0) return allAbove;
  const tails = gammaTails(k + 1, mean);
  return { logLower: tails.logUpper, logUpper: tails.logLower };
};

/** Poisson distribution; parameter mean above 0. */
export const poisson = distribution<[mean: number]>({
  check: (mean) => requirePositive("mean", mean),
  tails: poissonTails,
  solve: (level, tail, mean) =>
    wholeQuantile((x) => poissonTails(x, mean), level, tail, 0, Math.ceil(10 * mean + 100_000)),
});
