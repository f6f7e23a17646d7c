import { hypergeometric, logHypergeometricTerm } from "../distributions/hypergeometric.ts";
import { standardNormalTails } from "../distributions/normal.ts";
import { InvalidArgument, requireCount, requireCountOf } from "../invalid-argument.ts";
import { pValueOf } from "./alternative.ts";

/** `events` of `n`. */
export type Proportion = { readonly n: number; readonly events: number };

export const requireProportion = (argument: string, proportion: Proportion, atLeast = 1): Proportion => {
  if (typeof proportion !== "object" || proportion === null) {
    throw new InvalidArgument(argument, proportion, "{ n, events }");
  }
  requireCount(`${argument}.n`, proportion.n, atLeast);
  requireCountOf(`${argument}.events`, proportion.events, `${argument}.n`, proportion.n);
  return proportion;
};

/**
 * Two-proportion z test with pooled variance: z = (p̂₁ − p̂₂)/√(p̂q̂(1/n₁ + 1/n₂)). Needs some ten events and non-events in
 * each arm; below that use `fisherExact`. Errors: x > n, no events or only events in both arms.
 */
export const twoProportionZ = (
  first: Proportion,
  second: Proportion,
): { readonly z: number; readonly pTwoSided: number; readonly pGreater: number; readonly pLess: number } => {
  requireProportion("first", first);
  requireProportion("second", second);
  const pooled = (first.events + second.events) / (first.n + second.n);
  const standardError = Math.sqrt(pooled * (1 - pooled) * (1 / first.n + 1 / second.n));
  if (!(standardError > 0)) {
    throw new InvalidArgument(
      "first and second",
      pooled,
      "arms with at least one event and one non-event between them",
    );
  }
  const z = (first.events / first.n - second.events / second.n) / standardError;
  const tails = standardNormalTails(z);
  return {
    z,
    pTwoSided: pValueOf(tails, "two-sided"),
    pGreater: pValueOf(tails, "greater"),
    pLess: pValueOf(tails, "less"),
  };
};

// R's tolerance for ties in probability.
const LOG_RELATIVE_TIE = Math.log1p(1e-7);

/**
 * Fisher's exact test of a 2×2 table, `first` against `second`: given both margins, first.events is hypergeometric.
 * `pGreater` is P(at least as many), two-sided sums all tables at most as probable. Valid at any counts. Errors: x > n.
 * Source: Fisher 1935; equal to R's `fisher.test`.
 */
export const fisherExact = (
  first: Proportion,
  second: Proportion,
): { readonly pTwoSided: number; readonly pGreater: number; readonly pLess: number } => {
  requireProportion("first", first, 0);
  requireProportion("second", second, 0);
  const white = first.events + second.events;
  const black = first.n + second.n - white;
  const drawn = first.n;
  const x = first.events;
  const pLess = hypergeometric.cdf(x, white, black, drawn);
  const pGreater = hypergeometric.sf(x - 1, white, black, drawn);
  const limit = logHypergeometricTerm(x, white, black, drawn) + LOG_RELATIVE_TIE;
  const low = Math.max(0, drawn - black);
  const high = Math.min(drawn, white);
  const asImprobable = (y: number): boolean => logHypergeometricTerm(y, white, black, drawn) <= limit;
  const mode = Math.min(high, Math.max(low, Math.floor(((drawn + 1) * (white + 1)) / (white + black + 2))));
  // Probabilities fall away from the mode on either side: bisect each side for the last improbable table.
  let leftEnd = low - 1;
  for (let above = mode + 1; above - leftEnd > 1; ) {
    const middle = Math.floor((leftEnd + above) / 2);
    if (asImprobable(middle)) leftEnd = middle;
    else above = middle;
  }
  let rightEnd = high + 1;
  for (let below = mode; rightEnd - below > 1; ) {
    const middle = Math.floor((below + rightEnd) / 2);
    if (asImprobable(middle)) rightEnd = middle;
    else below = middle;
  }
  if (leftEnd >= mode || (asImprobable(mode) && rightEnd === mode + 1)) return { pTwoSided: 1, pGreater, pLess };
  const lower = leftEnd < low ? 0 : hypergeometric.cdf(leftEnd, white, black, drawn);
  const upper = rightEnd > high ? 0 : hypergeometric.sf(rightEnd - 1, white, black, drawn);
  return { pTwoSided: Math.min(1, lower + upper), pGreater, pLess };
};
