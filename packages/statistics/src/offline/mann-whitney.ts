import { standardNormalTails } from "../distributions/normal.ts";
import { InvalidArgument, requireNumbers } from "../invalid-argument.ts";
import { type Alternative, pValueOf, requireAlternative } from "./alternative.ts";
import { discretePValue, midRanks } from "./ranks.ts";
import type { RankTest } from "./wilcoxon.ts";

export type MannWhitneyOptions = {
  readonly alternative?: Alternative;
  /** `auto`: exact with both samples below 50 and no ties (as R), else normal. */
  readonly method?: "auto" | "exact" | "normal";
  readonly correct?: boolean;
};

// The exact walk costs size × total × sum of ranks.
const EXACT_LIMIT = 120;

/** P(sum of `size` of the given whole ranks = v), over all choices. Probabilities, not counts, so that nothing overflows. */
const subsetSums = (ranks: ReadonlyArray<number>, size: number): Float64Array => {
  const total = ranks.reduce((sum, rank) => sum + rank, 0);
  const bySize = Array.from({ length: size + 1 }, () => new Float64Array(total + 1));
  (bySize[0] as Float64Array)[0] = 1;
  let reach = 0;
  ranks.forEach((rank, seen) => {
    reach += rank;
    // Adding item number seen+1: a uniformly random k-subset of the first seen+1 contains it with probability k/(seen+1).
    for (let k = Math.min(size, seen + 1); k >= 0; k--) {
      const into = bySize[k] as Float64Array;
      const from = k > 0 ? (bySize[k - 1] as Float64Array) : undefined;
      const taken = k / (seen + 1);
      for (let v = reach; v >= 0; v--) {
        const without = (into[v] as number) * (1 - taken);
        into[v] = from !== undefined && v >= rank ? without + (from[v - rank] as number) * taken : without;
      }
    }
  });
  return bySize[size] as Float64Array;
};

/**
 * Mann–Whitney (Wilcoxon rank-sum) test that x and y come from one distribution; U counts the pairs with x > y, ties half.
 * `less`: x stochastically smaller. Exact: over all choices of ranks, also with ties. Assumes independent observations; it
 * does not compare means, and on unequal spreads it rejects equal medians. Errors: an empty sample; more than 120 values with
 * `exact`. Sources: Mann & Whitney 1947; equal to R's `wilcox.test`.
 */
export const mannWhitney = (
  x: ReadonlyArray<number>,
  y: ReadonlyArray<number>,
  options: MannWhitneyOptions = {},
): RankTest => {
  requireNumbers("x", x);
  requireNumbers("y", y);
  const alternative = requireAlternative(options.alternative ?? "two-sided");
  const { ranks, tieSum } = midRanks([...x, ...y]);
  const n1 = x.length;
  const n2 = y.length;
  const total = n1 + n2;
  const least = (n1 * (n1 + 1)) / 2;
  const rankSum = ranks.slice(0, n1).reduce((sum, rank) => sum + rank, 0);
  const statistic = rankSum - least;
  const method = options.method ?? "auto";
  if (method === "exact" || (method === "auto" && tieSum === 0 && n1 < 50 && n2 < 50)) {
    if (total > EXACT_LIMIT)
      throw new InvalidArgument("x and y", total, `at most ${EXACT_LIMIT} values with method "exact"`);
    const scale = tieSum === 0 ? 1 : 2;
    const sums = subsetSums(
      ranks.map((rank) => scale * rank),
      n1,
    );
    return { statistic, pValue: discretePValue(sums, Math.round(scale * rankSum), alternative), exact: true };
  }
  const variance = ((n1 * n2) / 12) * (total + 1 - tieSum / (total * (total - 1)));
  if (!(variance > 0)) throw new InvalidArgument("x and y", variance, "values that are not all equal");
  const excess = statistic - (n1 * n2) / 2;
  const sign = alternative === "two-sided" ? Math.sign(excess) : alternative === "greater" ? 1 : -1;
  const z = (excess - ((options.correct ?? true) ? 0.5 * sign : 0)) / Math.sqrt(variance);
  return { statistic, pValue: pValueOf(standardNormalTails(z), alternative), exact: false };
};
