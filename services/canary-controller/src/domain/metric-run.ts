import type { CanaryWindow, CheckEvidence, Interval } from "@sluice/contracts";
import { LAST_STEP_SHARE } from "@sluice/forecast";
import { combine } from "@sluice/statistics";

type Metric = "errorRate" | "refusalRate" | "latencyP95" | "quality";

/** One metric over all windows of the release so far: what it adds to the rollout's budget after each of them. */
export interface MetricRun {
  readonly check: Metric;
  readonly onBreach: "rollback" | "hold" | "warn";
  readonly mode: "enforce" | "warn";
  /** Why a metric of mode `warn` decides nothing, where it is not that policy tries it out. */
  readonly whyTold?: string;
  readonly weight: number;
  readonly method: string;
  /** Log e-value against "no worse than the baseline" after each window. */
  readonly logEs: ReadonlyArray<number>;
  /** The same against "not beyond the absolute limit" (a ceiling, for scores a floor); null without one. */
  readonly limitLogEs: ReadonlyArray<number> | null;
  /** The limit in words, such as "above the ceiling of 5.00 %". */
  readonly limit: string | null;
  /** Of the present step; without a concurrent baseline that of the step before. */
  readonly baseline: CheckEvidence["baseline"];
  readonly candidate: CheckEvidence["candidate"];
  /** What `n` counts. */
  readonly unit: "conversations" | "requests" | "scores";
  /** Over all requests of the candidate in the present step, as limits see them; null where there is none. */
  readonly ofAllRequests: CheckEvidence["candidate"] | null;
  readonly difference: number | null;
  readonly interval: Interval | null;
  readonly label: string;
  readonly format: (value: number) => string;
}

/** What a metric is run on. `earlierBaseline` holds the windows of the last step that had a baseline. */
export interface RunInput {
  readonly windows: ReadonlyArray<CanaryWindow>;
  readonly present: ReadonlyArray<CanaryWindow>;
  readonly earlierBaseline: ReadonlyArray<CanaryWindow>;
  readonly concurrentBaseline: boolean;
  readonly alpha: number;
  readonly unit: "conversations" | "requests";
}

export const logEPath = <State>(
  windows: ReadonlyArray<CanaryWindow>,
  initial: State,
  update: (state: State, window: CanaryWindow) => State,
  logEOf: (state: State) => number,
): ReadonlyArray<number> => {
  let state = initial;
  return windows.map((window) => {
    state = update(state, window);
    return logEOf(state);
  });
};

/**
 * One e-process out of two, by their weighted mean: against the baseline beside it, and, in windows without one, against
 * what the baseline was in the step before.
 */
export const withLastStep = (
  concurrent: ReadonlyArray<number>,
  lastStep: ReadonlyArray<number> | null,
): ReadonlyArray<number> =>
  concurrent.map((logE, i) => combine([logE, lastStep?.[i] ?? 0], [1 - LAST_STEP_SHARE, LAST_STEP_SHARE]));

/** No user is on the baseline any more: such windows are compared with the step before. */
export const isWithoutBaseline = (window: CanaryWindow): boolean =>
  window.share === 1 && window.baseline.requests === 0;

export const sumOf = <T>(items: ReadonlyArray<T>, value: (item: T) => number): number =>
  items.reduce((sum, item) => sum + value(item), 0);
