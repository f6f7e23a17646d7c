import type { ArmWindow } from "./evidence.ts";

/** Latency histogram bins grow by 4 %: p95 is known within ±2 %, and 10 minutes is bin 340. */
export const LATENCY_BIN_GROWTH = 1.04;
/** Bin of a latency in milliseconds; bin 0 is everything up to 1 ms. */
export const latencyBinOf = (latencyMs: number): number =>
  latencyMs <= 1 ? 0 : Math.ceil(Math.log(latencyMs) / Math.log(LATENCY_BIN_GROWTH));
/** Upper edge of a bin, in milliseconds. */
export const latencyOfBin = (bin: number): number => LATENCY_BIN_GROWTH ** bin;

/** Sparse, bins in rising order: [bin, count]. */
export type LatencyBins = ArmWindow["latencyBins"];

export const mergedBins = (histograms: ReadonlyArray<LatencyBins>): LatencyBins => {
  const counts = new Map<number, number>();
  for (const bins of histograms) for (const [bin, count] of bins) counts.set(bin, (counts.get(bin) ?? 0) + count);
  return [...counts].sort(([a], [b]) => a - b);
};

export const countOf = (bins: LatencyBins): number => bins.reduce((sum, [, count]) => sum + count, 0);

/** How many were slower than the bin that holds the threshold: a threshold in milliseconds means its bin's upper edge. */
export const countOver = (bins: LatencyBins, thresholdMs: number): number => {
  const threshold = latencyBinOf(thresholdMs);
  return bins.reduce((sum, [bin, count]) => (bin > threshold ? sum + count : sum), 0);
};

/** Upper edge of the bin that holds the quantile, in milliseconds (within 4 %); null without requests. */
export const quantileMs = (bins: LatencyBins, quantile: number): number | null => {
  const wanted = quantile * countOf(bins);
  let reached = 0;
  for (const [bin, count] of bins) {
    reached += count;
    if (reached >= wanted) return latencyOfBin(bin);
  }
  return null;
};
