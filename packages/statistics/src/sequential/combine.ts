import { InvalidArgument, requireFinite, requireSameLength } from "../invalid-argument.ts";
import { logSumExp } from "../special/log-arithmetic.ts";

/**
 * Log of the weighted mean of e-values: log(Σ wᵢ e^{logEᵢ} / Σ wᵢ). A mean of e-values is an e-value under any dependence, so
 * one α holds for all metrics together. A single faulty metric of k must reach k/α on its own. Errors: an empty list, values
 * that are not finite, weights that are negative or all 0. Source: Vovk & Wang 2021.
 */
export const combine = (logEs: ReadonlyArray<number>, weights?: ReadonlyArray<number>): number => {
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
  return logSumExp(logEs.map((logE, i) => logE + Math.log((shares[i] as number) / total)));
};
