import {
  type ArmWindow,
  type CanaryWindow,
  countOf,
  countOver,
  mergedBins,
  type Policy,
  quantileMs,
  type UnitCounts,
} from "@sluice/contracts";
import { type ExceedanceState, exceedance, type PerQuantile } from "@sluice/statistics";
import { logEPath, type MetricRun, type RunInput, withLastStep } from "./metric-run.ts";
import { ceilingPath, difference, lastStepPath } from "./rate-run.ts";
import { requestsOf, unitsOf } from "./units.ts";

/** Latency moves with the hour of the day: against a baseline of an earlier hour a p95 up to this many times is tolerated. */
const EARLIER_BASELINE_LATENCY_RATIO = 1.5;

/** Runs latency p95: how often each arm is slower than the baseline's own quantiles of earlier windows. */
export const latencyRun = (policy: Policy["canary"]["metrics"]["latencyP95"], input: RunInput): MetricRun => {
  const { earlierBaseline, concurrentBaseline, present, windows } = input;
  const baseline = mergedBins(
    (concurrentBaseline ? present : earlierBaseline).map((w) => unitsOf(w.baseline).latencyBins),
  );
  const candidate = mergedBins(present.map((window) => unitsOf(window.candidate).latencyBins));
  const all = mergedBins(present.map((window) => window.candidate.latencyBins));
  const p95 = { baseline: quantileMs(baseline, 0.95), candidate: quantileMs(candidate, 0.95) };
  const earlierP95 = quantileMs(
    mergedBins(earlierBaseline.map((window) => unitsOf(window.baseline).latencyBins)),
    0.95,
  );
  const ceilingMs = policy.ceilingMs;
  return {
    check: "latencyP95",
    onBreach: policy.onBreach,
    mode: policy.mode,
    weight: policy.weight,
    method: "exceedance of the baseline's p90, p95 and p99 of earlier windows",
    logEs: withLastStep(
      logEPath(
        windows,
        exceedance.initial({ psi0: policy.marginOddsRatio }),
        updateExceedance,
        (state) => exceedance.evidence(state).logE,
      ),
      earlierP95 === null
        ? null
        : lastStepPath(input, {
            ofBaseline: slowerThan(earlierP95, unitsOf),
            ofCandidate: slowerThan(earlierP95 * EARLIER_BASELINE_LATENCY_RATIO, unitsOf),
            toleratedOddsRatio: policy.marginOddsRatio,
          }),
    ),
    // "p95 above the ceiling" is "more than 5 % slower than the ceiling".
    limitLogEs: ceilingMs === null ? null : ceilingPath(windows, 0.05, slowerThan(ceilingMs, requestsOf)),
    limit: ceilingMs === null ? null : `above the ceiling of ${milliseconds(ceilingMs)}`,
    baseline: { n: countOf(baseline), value: p95.baseline },
    candidate: { n: countOf(candidate), value: p95.candidate },
    unit: input.unit,
    ofAllRequests: ceilingMs === null ? null : { n: countOf(all), value: quantileMs(all, 0.95) },
    difference: difference(p95.baseline, p95.candidate),
    interval: null,
    label: "latency p95",
    format: milliseconds,
  };
};

const slowerThan = (thresholdMs: number, countsOf: (arm: ArmWindow) => UnitCounts) => (arm: ArmWindow) => {
  const { latencyBins } = countsOf(arm);
  return { n: countOf(latencyBins), events: countOver(latencyBins, thresholdMs) };
};

const updateExceedance = (state: ExceedanceState, { baseline, candidate }: CanaryWindow): ExceedanceState => {
  const thresholdsMs = state.nextThresholdsMs;
  const counted = ({ latencyBins }: UnitCounts) => ({
    n: countOf(latencyBins),
    over: each((quantile) => (thresholdsMs ? countOver(latencyBins, thresholdsMs[quantile]) : 0)),
  });
  return exceedance.update(state, {
    thresholdsMs,
    baseline: counted(unitsOf(baseline)),
    candidate: counted(unitsOf(candidate)),
    baselineQuantilesMs: quantilesOf(unitsOf(baseline)),
  });
};

const quantilesOf = ({ latencyBins }: UnitCounts): PerQuantile | null => {
  const [p90, p95, p99] = [0.9, 0.95, 0.99].map((quantile) => quantileMs(latencyBins, quantile));
  return p90 && p95 && p99 ? { p90, p95, p99 } : null;
};

const each = (value: (quantile: keyof PerQuantile) => number): PerQuantile => ({
  p90: value("p90"),
  p95: value("p95"),
  p99: value("p99"),
});

const milliseconds = (value: number): string => `${Math.round(value)} ms`;
