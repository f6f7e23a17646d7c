import { standardNormalTails } from "../distributions/normal.ts";
import { requireCount, requireFinite, requirePositive, requireProbability } from "../invalid-argument.ts";
import { betaTails } from "../special/incomplete-beta.ts";
import { logBeta } from "../special/log-gamma.ts";

/** ρ at which the two-sided mixture boundary is lowest at intrinsic time `vOptimal` (Howard et al. 2021). */
export const normalMixtureRho = (vOptimal: number, alpha: number): number => {
  requirePositive("vOptimal", vOptimal);
  requireProbability("alpha", alpha);
  const c = 2 * Math.log(1 / alpha);
  return vOptimal / (c + Math.log1p(c));
};

/**
 * Normal-mixture supermartingales of a sum S with intrinsic variance V (Robbins 1970; Howard et al. 2021):
 * two-sided ½log(ρ/(V+ρ)) + S²/(2(V+ρ)); one-sided ½log(4ρ/(V+ρ)) + S²/(2(V+ρ)) + log Φ(S/√(V+ρ)).
 * Exact for sub-Gaussian sums; with an estimated V this is the pooled mSPRT, valid only for large counts.
 */
export const normalMixtureLogE = (
  sum: number,
  variance: number,
  rho: number,
): { readonly oneSided: number; readonly twoSided: number } => {
  requireFinite("sum", sum);
  if (variance !== 0) requirePositive("variance", variance);
  requirePositive("rho", rho);
  const whole = variance + rho;
  const twoSided = 0.5 * Math.log(rho / whole) + (sum * sum) / (2 * whole);
  return { twoSided, oneSided: twoSided + Math.LN2 + standardNormalTails(sum / Math.sqrt(whole)).logLower };
};

/**
 * Sequential McNemar: log[2ⁿ · 2∫_{½}^1 θ^worse (1−θ)^better dθ], the e-value of "the candidate is worse" with θ uniform on
 * (½, 1), n = worse + better discordant pairs in any order. Assumes independent pairs.
 */
export const mcnemarMixtureLogE = (counts: { readonly worse: number; readonly better: number }): number => {
  const worse = requireCount("worse", counts.worse);
  const better = requireCount("better", counts.better);
  const a = worse + 1;
  const b = better + 1;
  return (worse + better + 1) * Math.LN2 + logBeta(a, b) + betaTails(0.5, 0.5, a, b).logUpper;
};
