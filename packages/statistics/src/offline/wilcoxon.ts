import { standardNormalTails } from "../distributions/normal.ts";
import { InvalidArgument, requireNumbers } from "../invalid-argument.ts";
import { type Alternative, pValueOf, requireAlternative } from "./alternative.ts";
import { discretePValue, midRanks } from "./ranks.ts";

export type WilcoxonOptions = {
  readonly alternative?: Alternative;
  /** `auto`: exact below 50 differences without zeros or ties (as R), else normal. */
  readonly method?: "auto" | "exact" | "normal";
  /** `drop` ranks without the zeros (Wilcoxon), `pratt` ranks with them and then leaves them out. */
  readonly zeros?: "drop" | "pratt";
  /** Continuity correction of the normal approximation. */
  readonly correct?: boolean;
};

export type RankTest = { readonly statistic: number; readonly pValue: number; readonly exact: boolean };

// Doubled mid-ranks are whole, so the exact distribution given ties and zeros is a walk over at most n(n+1) sums.
const EXACT_LIMIT = 400;

const exactDistribution = (doubledRanks: ReadonlyArray<number>): Float64Array => {
  const total = doubledRanks.reduce((sum, rank) => sum + rank, 0);
  const probabilities = new Float64Array(total + 1);
  probabilities[0] = 1;
  let reach = 0;
  for (const rank of doubledRanks) {
    reach += rank;
    for (let v = reach; v >= 0; v--) {
      const without = v <= reach - rank ? (probabilities[v] as number) : 0;
      probabilities[v] = (without + (v >= rank ? (probabilities[v - rank] as number) : 0)) / 2;
    }
  }
  return probabilities;
};

const continuity = (excess: number, alternative: Alternative): number => {
  if (alternative === "greater") return 0.5;
  return alternative === "less" ? -0.5 : Math.sign(excess) * 0.5;
};

/**
 * Wilcoxon signed-rank test that paired differences are symmetric about 0. The statistic V is the sum of the ranks of the
 * positive differences. Exact: the distribution of V over all signs given the (mid-)ranks, also with ties and zeros. Normal:
 * mean and variance corrected for ties and zeros. Assumes independent pairs. Errors: no difference other than 0; more than
 * 400 with `exact`. Sources: Wilcoxon 1945; Pratt 1959; Cureton 1967; equal to R's `wilcox.test` and scipy's `wilcoxon`.
 */
export const wilcoxonSignedRank = (differences: ReadonlyArray<number>, options: WilcoxonOptions = {}): RankTest => {
  requireNumbers("differences", differences);
  const alternative = requireAlternative(options.alternative ?? "two-sided");
  const nonZero = differences.filter((difference) => difference !== 0);
  if (nonZero.length === 0) throw new InvalidArgument("differences", 0, "a list with a difference other than 0");
  const pratt = options.zeros === "pratt";
  const ranked = pratt ? differences : nonZero;
  const all = midRanks(ranked.map(Math.abs)).ranks;
  const ranks = all.filter((_, i) => ranked[i] !== 0);
  // Ties among the non-zero ranks only: zeros carry no rank.
  const { tieSum } = midRanks(ranks);
  const statistic = ranks.reduce((sum, rank, i) => sum + ((nonZero[i] as number) > 0 ? rank : 0), 0);
  const zeros = ranked.length - nonZero.length;
  const plain = tieSum === 0 && nonZero.length === differences.length && nonZero.length < 50;
  const method = options.method ?? "auto";
  if (method === "exact" || (method === "auto" && plain)) {
    if (nonZero.length > EXACT_LIMIT)
      throw new InvalidArgument("differences", differences, `at most ${EXACT_LIMIT} with method "exact"`);
    const probabilities = exactDistribution(ranks.map((rank) => 2 * rank));
    return { statistic, pValue: discretePValue(probabilities, Math.round(2 * statistic), alternative), exact: true };
  }
  const n = ranked.length;
  const mean = (n * (n + 1)) / 4 - (zeros * (zeros + 1)) / 4;
  const variance = (n * (n + 1) * (2 * n + 1) - zeros * (zeros + 1) * (2 * zeros + 1) - tieSum / 2) / 24;
  const excess = statistic - mean;
  const shift = (options.correct ?? true) ? continuity(excess, alternative) : 0;
  const z = (excess - shift) / Math.sqrt(variance);
  return { statistic, pValue: pValueOf(standardNormalTails(z), alternative), exact: false };
};
