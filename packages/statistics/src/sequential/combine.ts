import { InvalidArgument, requireFinite, requireProbability, requireSameLength } from "../invalid-argument.ts";
import { logSumExp } from "../special/log-arithmetic.ts";

const sharesOf = (logEs: ReadonlyArray<number>, weights?: ReadonlyArray<number>): ReadonlyArray<number> => {
  if (logEs.length === 0) throw new InvalidArgument("logEs", logEs, "a list of at least 1 number(s)");
  for (const [i, logE] of logEs.entries()) requireFinite(`logEs[${i}]`, logE);
  const shares = weights ?? logEs.map(() => 1);
  requireSameLength("weights", shares, "logEs", logEs);
  let total = 0;
  shares.forEach((share, i) => {
    if (!(share >= 0 && Number.isFinite(share)))
      throw new InvalidArgument(`weights[${i}]`, share, "a finite number of at least 0");
    total += share;
  });
  if (!(total > 0)) throw new InvalidArgument("weights", total, "not all 0");
  return shares.map((share) => share / total);
};

/**
 * Log of the weighted mean of e-values: log(Σ wᵢ e^{logEᵢ} / Σ wᵢ). A mean of e-values is an e-value under any dependence, so
 * one α holds for all metrics together. A single faulty metric of k must reach k/α on its own. Errors: an empty list, values
 * that are not finite, weights that are negative or all 0. Source: Vovk & Wang 2021.
 */
export const combine = (logEs: ReadonlyArray<number>, weights?: ReadonlyArray<number>): number => {
  const shares = sharesOf(logEs, weights);
  return logSumExp(logEs.map((logE, i) => logE + Math.log(shares[i] as number)));
};

/**
 * Which metrics are to blame: those whose own null hypothesis falls under closed testing with weighted means of e-values, so
 * that the probability of blaming any healthy metric, over all looks, is at most α. Metric i is blamed when every set of
 * metrics with i in it has a mean of at least 1/α, that is wᵢ(eᵢ − 1/α) ≥ Σ_{j≠i} max(0, wⱼ(1/α − eⱼ)). When the combination
 * has reached 1/α the list may still be empty: two metrics can be suspicious together and neither alone.
 * Source: Vovk & Wang 2021, section 5. Errors as `combine`.
 */
export const closedRejections = (
  logEs: ReadonlyArray<number>,
  alpha: number,
  weights?: ReadonlyArray<number>,
): ReadonlyArray<boolean> => {
  requireProbability("alpha", alpha);
  const shares = sharesOf(logEs, weights);
  // In units of 1/α; an e-value so large that it overflows is blamed whatever the others say.
  const excesses = logEs.map((logE, i) => (shares[i] as number) * Math.expm1(logE + Math.log(alpha)));
  const deficits = excesses.map((excess) => Math.min(0, excess));
  const deficit = deficits.reduce((sum, one) => sum + one, 0);
  return excesses.map((excess, i) => excess + (deficit - (deficits[i] as number)) >= 0 && (shares[i] as number) > 0);
};
