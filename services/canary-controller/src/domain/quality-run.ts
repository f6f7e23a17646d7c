import type { CanaryWindow, JudgeReport, Policy } from "@sluice/contracts";
import { groupMeans, type ScoreSums } from "@sluice/statistics";
import { isWithoutBaseline, logEPath, type MetricRun, type RunInput, sumOf, withLastStep } from "./metric-run.ts";
import { difference } from "./rate-run.ts";

/** Quality moves with the hour as well: against a baseline of an earlier hour a drop up to this size is tolerated. */
const EARLIER_BASELINE_MARGIN = 0.05;

/** Runs the mean judged score, of which a drop is worse. */
export const qualityRun = (
  policy: Policy["canary"]["metrics"]["quality"],
  input: RunInput,
  judgeReport: JudgeReport | null,
): MetricRun => {
  const initial = groupMeans.initial({ margin: policy.margin });
  const update = (state: typeof initial, { baseline, candidate }: CanaryWindow) =>
    groupMeans.update(state, { baseline: baseline.quality, candidate: candidate.quality });
  const shown = groupMeans.evidence(input.present.reduce(update, initial));
  const baseline = totalOf(input.concurrentBaseline ? input.present : input.earlierBaseline, "baseline");
  const candidate = totalOf(input.present, "candidate");
  return {
    check: "quality",
    onBreach: policy.onBreach,
    mode: policy.mode,
    ...(judgeReport?.reportOnly && { whyTold: `its judge may only report, because ${judgeReport.reason}` }),
    weight: policy.weight,
    method: "betting on within-window mean scores",
    logEs: withLastStep(
      logEPath(input.windows, initial, update, (state) => groupMeans.evidence(state).logE),
      lastStepPath(policy.margin, input),
    ),
    limitLogEs: policy.floor === null ? null : belowPath(policy.floor, 0, input.windows),
    limit: policy.floor === null ? null : `below the floor of ${policy.floor.toFixed(3)}`,
    baseline: { n: baseline.n, value: meanOf(baseline) },
    candidate: { n: candidate.n, value: meanOf(candidate) },
    unit: "scores",
    ofAllRequests: null,
    difference: input.concurrentBaseline ? shown.estimate : difference(meanOf(baseline), meanOf(candidate)),
    interval: input.concurrentBaseline ? shown.interval : null,
    label: "mean quality score",
    format: (score) => score.toFixed(3),
  };
};

/** Windows without a baseline against scores that all equal the mean of the step before. */
const lastStepPath = (margin: number, { windows, earlierBaseline }: RunInput): ReadonlyArray<number> | null => {
  const reference = meanOf(totalOf(earlierBaseline, "baseline"));
  return reference === null
    ? null
    : belowPath(reference, Math.max(margin, EARLIER_BASELINE_MARGIN), windows, isWithoutBaseline);
};

/** E-process against "a mean of at least `reference` less the margin", over the windows that count. */
const belowPath = (
  reference: number,
  margin: number,
  windows: ReadonlyArray<CanaryWindow>,
  counts: (window: CanaryWindow) => boolean = () => true,
): ReadonlyArray<number> => {
  const initial = groupMeans.initial({ margin });
  const update = (state: typeof initial, window: CanaryWindow) => {
    if (!counts(window)) return state;
    const { n } = window.candidate.quality;
    const baseline = { n, sum: n * reference, sumSquares: n * reference * reference };
    return groupMeans.update(state, { baseline, candidate: window.candidate.quality });
  };
  return logEPath(windows, initial, update, (state) => groupMeans.evidence(state).logE);
};

const totalOf = (windows: ReadonlyArray<CanaryWindow>, arm: "baseline" | "candidate"): ScoreSums => ({
  n: sumOf(windows, (window) => window[arm].quality.n),
  sum: sumOf(windows, (window) => window[arm].quality.sum),
  sumSquares: sumOf(windows, (window) => window[arm].quality.sumSquares),
});

const meanOf = ({ n, sum }: ScoreSums): number | null => (n > 0 ? sum / n : null);
