import { binomial } from "../distributions/binomial.ts";
import { InvalidArgument, requireCount, requireCountOf, requireNumbers, requireWithin } from "../invalid-argument.ts";
import { type Alternative, requireAlternative } from "./alternative.ts";

// R's tolerance for "as improbable as the observed": equal probabilities computed on two ways may differ by rounding.
const RELATIVE_TIE = 1 + 1e-7;

const twoSided = (x: number, n: number, p: number): number => {
  const mean = n * p;
  if (x === mean) return 1;
  const logLimit = binomial.logPmf(x, n, p) + Math.log(RELATIVE_TIE);
  const as = (k: number): boolean => binomial.logPmf(k, n, p) <= logLimit;
  // The probabilities fall away from the mode on either side: bisect for the first far value that is as improbable.
  if (x < mean) {
    let low = Math.ceil(mean) - 1;
    let high = n + 1;
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2);
      if (as(middle)) high = middle;
      else low = middle;
    }
    return Math.min(1, binomial.cdf(x, n, p) + (high > n ? 0 : binomial.sf(high - 1, n, p)));
  }
  let low = -1;
  let high = Math.floor(mean) + 1;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (as(middle)) low = middle;
    else high = middle;
  }
  return Math.min(1, binomial.sf(x - 1, n, p) + (low < 0 ? 0 : binomial.cdf(low, n, p)));
};

/**
 * Exact binomial test of x successes in n trials against probability p. Two-sided: all outcomes at most as probable as the
 * observed one (equal to R's `binom.test`). Assumes independent trials. Errors: counts that are not whole, x > n, p outside [0, 1].
 */
export const binomialTest = (
  x: number,
  n: number,
  p = 0.5,
  alternative: Alternative = "two-sided",
): { readonly pValue: number } => {
  requireCount("n", n);
  requireCountOf("x", x, "n", n);
  requireWithin("p", p, 0, 1);
  requireAlternative(alternative);
  if (n === 0) return { pValue: 1 };
  if (alternative === "less") return { pValue: binomial.cdf(x, n, p) };
  if (alternative === "greater") return { pValue: x === 0 ? 1 : binomial.sf(x - 1, n, p) };
  if (p === 0 || p === 1) return { pValue: x === n * p ? 1 : 0 };
  return { pValue: twoSided(x, n, p) };
};

/**
 * Sign test: are differences below 0 as frequent as above it? Zeros are dropped. `less` asks whether they are mostly below.
 * Assumes nothing about the size of the differences. With no difference but zeros, p is 1.
 */
export const signTest = (
  differences: ReadonlyArray<number>,
  alternative: Alternative = "two-sided",
): { readonly above: number; readonly below: number; readonly pValue: number } => {
  requireNumbers("differences", differences);
  let above = 0;
  let below = 0;
  for (const difference of differences) {
    if (difference > 0) above++;
    else if (difference < 0) below++;
  }
  return { above, below, ...binomialTest(above, above + below, 0.5, alternative) };
};

export type McNemar = {
  readonly pWorse: number;
  readonly pTwoSided: number;
  readonly midPWorse: number;
  readonly midPTwoSided: number;
};

/**
 * Exact McNemar test on paired pass/fail. `worse`: the baseline passes and the candidate fails; `better`: the reverse; pairs
 * that agree carry no information. pWorse = P(X ≥ worse), X ~ Bin(worse + better, ½); two-sided doubles the smaller tail.
 * Mid-p counts half of the observed outcome's probability: less conservative, and no longer a guarantee (Fagerland, Lydersen
 * & Laake 2013). Assumes independent pairs. Errors: counts that are negative or not whole.
 */
export const mcnemarExact = (counts: { readonly worse: number; readonly better: number }): McNemar => {
  if (typeof counts !== "object" || counts === null) throw new InvalidArgument("counts", counts, "{ worse, better }");
  const worse = requireCount("worse", counts.worse);
  const better = requireCount("better", counts.better);
  const n = worse + better;
  const observed = Math.exp(binomial.logPmf(worse, n, 0.5));
  const pWorse = worse === 0 ? 1 : binomial.sf(worse - 1, n, 0.5);
  const smallerTail = binomial.cdf(Math.min(worse, better), n, 0.5);
  return {
    pWorse,
    pTwoSided: Math.min(1, 2 * smallerTail),
    midPWorse: worse <= better ? pWorse - observed / 2 : binomial.sf(worse, n, 0.5) + observed / 2,
    midPTwoSided: Math.min(1, 2 * smallerTail - observed),
  };
};
