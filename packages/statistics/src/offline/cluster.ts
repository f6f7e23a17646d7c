import { InvalidArgument, requireNumbers, requireSameLength } from "../invalid-argument.ts";

/**
 * Mean and its cluster-robust standard error. CR0 = √(Σ_c (Σ_{i∈c} e_i)²)/N with e the residuals; CR1 multiplies the variance
 * by G/(G−1) and is the one to use. Valid for any dependence within a cluster and many clusters (G ≥ 30 or so); with few it
 * is too small. `designEffect` is CR1² over the variance that assumes independence: the factor by which clustering thins the
 * evidence. Errors: empty, lists of different length, fewer than 2 clusters. Source: Liang & Zeger 1986.
 */
export const clusterMeanStandardError = (
  values: ReadonlyArray<number>,
  clusters: ReadonlyArray<string | number>,
): {
  readonly mean: number;
  readonly cr0: number;
  readonly cr1: number;
  readonly clusters: number;
  readonly designEffect: number;
} => {
  requireNumbers("values", values);
  requireSameLength("clusters", clusters, "values", values);
  const n = values.length;
  const mean = values.reduce((sum, value) => sum + value, 0) / n;
  const sums = new Map<string | number, number>();
  let squares = 0;
  values.forEach((value, i) => {
    const key = clusters[i] as string | number;
    sums.set(key, (sums.get(key) ?? 0) + (value - mean));
    squares += (value - mean) * (value - mean);
  });
  const g = sums.size;
  if (g < 2) throw new InvalidArgument("clusters", g, "at least 2 different clusters");
  let meat = 0;
  for (const sum of sums.values()) meat += sum * sum;
  const cr0 = Math.sqrt(meat) / n;
  const cr1 = cr0 * Math.sqrt(g / (g - 1));
  const naive = squares / (n - 1) / n;
  return { mean, cr0, cr1, clusters: g, designEffect: naive > 0 ? (cr1 * cr1) / naive : 1 };
};
