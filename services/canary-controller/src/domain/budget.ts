import { combine } from "@sluice/statistics";
import type { MetricRun } from "./metric-run.ts";

/** Where a set of metrics used up the false-alarm budget of the rollout. */
export interface Crossing {
  /** Index of the window after which the budget was used up. */
  readonly at: number;
  /** Index of the window in which the evidence began to rise. */
  readonly onset: number;
  readonly metric: MetricRun;
}

export const logThresholdOf = (alpha: number): number => -Math.log(alpha);

/**
 * Log e-value of the rollout after each window: the weighted mean over all metrics, those that may not roll back counting as
 * 1. A mean of e-values is one whatever their dependence, so a breach at 1/alpha has a false alarm at most with alpha.
 */
export const combinedLogEs = (
  runs: ReadonlyArray<MetricRun>,
  windows: number,
  belongs: (run: MetricRun) => boolean,
): ReadonlyArray<number> => {
  const weights = runs.map((run) => run.weight);
  if (!weights.some((weight) => weight > 0)) return Array.from({ length: windows }, () => 0);
  return Array.from({ length: windows }, (_, i) =>
    combine(
      runs.map((run) => (belongs(run) ? (run.logEs[i] ?? 0) : 0)),
      weights,
    ),
  );
};

/** The metric's own part of the weighted mean, against which the whole threshold may be held. */
export const shareOfBudget = (run: MetricRun, runs: ReadonlyArray<MetricRun>, at: number): number =>
  (run.logEs[at] ?? 0) + Math.log(run.weight / runs.reduce((sum, { weight }) => sum + weight, 0));

/** Whether the metric's evidence alone, at any time, was a breach. */
export const failsAlone = (run: MetricRun, runs: ReadonlyArray<MetricRun>, alpha: number): boolean =>
  run.weight > 0 && run.logEs.some((_, at) => shareOfBudget(run, runs, at) >= logThresholdOf(alpha));

/** The first crossing of the threshold by the metrics that belong; it stays one, whatever comes later. */
export const firstCrossing = (
  runs: ReadonlyArray<MetricRun>,
  logEs: ReadonlyArray<number>,
  belongs: (run: MetricRun) => boolean,
  alpha: number,
): Crossing | null => {
  const at = logEs.findIndex((logE) => logE >= logThresholdOf(alpha));
  if (at < 0) return null;
  const metric = runs
    .filter((run) => belongs(run) && run.weight > 0)
    .reduce((worst, run) => (shareOfBudget(run, runs, at) > shareOfBudget(worst, runs, at) ? run : worst));
  return { at, onset: onsetOf(metric.logEs, at), metric };
};

/** The window after the last minimum before the crossing: from there on the evidence rose. */
export const onsetOf = (logEs: ReadonlyArray<number>, at: number): number => {
  let lowest = 0;
  let onset = 0;
  for (let i = 0; i < at; i++) {
    const logE = logEs[i] ?? 0;
    if (logE <= lowest) {
      lowest = logE;
      onset = i + 1;
    }
  }
  return onset;
};
