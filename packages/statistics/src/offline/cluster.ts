import {
  InvalidArgument,
  requireCount,
  requireCountOf,
  requireNumbers,
  requireSameLength,
} from "../invalid-argument.ts";

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

/** Sums over clusters (conversations) of their units n_c and events x_c: what a database can aggregate in one query. */
export type ClusterSums = {
  readonly clusters: number;
  /** Σ n_c and Σ x_c. */
  readonly units: number;
  readonly events: number;
  /** Σ n_c², Σ x_c² and Σ n_c·x_c. */
  readonly unitsSquared: number;
  readonly eventsSquared: number;
  readonly unitsEvents: number;
};

/**
 * Design effect of a rate from cluster sums: Σ(x_c − p̂·n_c)²·G/(G−1) over N·p̂(1−p̂), at least 1. Divide the growth of
 * `stratifiedRates` by it (`designEffect`) where requests, not conversations, have to be counted. Take it from the baseline
 * of an earlier day with some hundred events: with few it is itself uncertain by a third or more. Errors: sums that cannot be.
 */
export const designEffectOfRate = (sums: ClusterSums): number => {
  requireCount("clusters", sums.clusters, 2);
  requireCount("units", sums.units, sums.clusters);
  requireCountOf("events", sums.events, "units", sums.units);
  requireCount("unitsSquared", sums.unitsSquared, sums.units);
  requireCount("eventsSquared", sums.eventsSquared, sums.events);
  requireCountOf("unitsEvents", sums.unitsEvents, "unitsSquared", sums.unitsSquared);
  const rate = sums.events / sums.units;
  if (rate === 0 || rate === 1) return 1;
  const between = sums.eventsSquared - 2 * rate * sums.unitsEvents + rate * rate * sums.unitsSquared;
  const correction = sums.clusters / (sums.clusters - 1);
  return Math.max(1, (between * correction) / (sums.units * rate * (1 - rate)));
};
