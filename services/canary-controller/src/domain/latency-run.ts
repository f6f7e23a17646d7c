import type { ArmWindow, CanaryWindow, Policy } from "@sluice/contracts";
import { type ExceedanceState, exceedance, type PerQuantile } from "@sluice/statistics";
import { countOf, countOver, mergedBins, quantileMs } from "./latency-histogram.ts";
import { logEPath, type MetricRun, type RunInput, withLastStep } from "./metric-run.ts";
import { ceilingPath, difference, lastStepPath } from "./rate-run.ts";

/** Latency moves with the hour of the day: against a baseline of an earlier hour a p95 up to this many times is tolerated. */
const EARLIER_BASELINE_LATENCY_RATIO = 1.5;

/** Runs latency p95: how often each arm is slower than the baseline's own quantiles of earlier windows. Units are answers. */
export const latencyRun = (policy: Policy["canary"]["metrics"]["latencyP95"], input: RunInput): MetricRun => {
  const { earlierBaseline, concurrentBaseline, present, windows } = input;
  const baseline = mergedBins((concurrentBaseline ? present : earlierBaseline).map((w) => w.baseline.latencyBins));
  const candidate = mergedBins(present.map((window) => window.candidate.latencyBins));
  const p95 = { baseline: quantileMs(baseline, 0.95), candidate: quantileMs(candidate, 0.95) };
  const earlierP95 = quantileMs(mergedBins(earlierBaseline.map((window) => window.baseline.latencyBins)), 0.95);
  const ceilingMs = policy.ceilingMs;
  return {
    check: "latencyP95",
    onBreach: policy.onBreach,
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
            ofBaseline: slowerThan(earlierP95),
            ofCandidate: slowerThan(earlierP95 * EARLIER_BASELINE_LATENCY_RATIO),
            toleratedOddsRatio: policy.marginOddsRatio,
          }),
    ),
    // "p95 above the ceiling" is "more than 5 % slower than the ceiling".
    ceilingLogEs: ceilingMs === null ? null : ceilingPath(windows, 0.05, slowerThan(ceilingMs)),
    ceiling: ceilingMs === null ? null : milliseconds(ceilingMs),
    baseline: { n: countOf(baseline), value: p95.baseline },
    candidate: { n: countOf(candidate), value: p95.candidate },
    difference: difference(p95.baseline, p95.candidate),
    interval: null,
    label: "latency p95",
    format: milliseconds,
  };
};

const slowerThan = (thresholdMs: number) => (arm: ArmWindow) => ({
  n: countOf(arm.latencyBins),
  events: countOver(arm.latencyBins, thresholdMs),
});

const updateExceedance = (state: ExceedanceState, { baseline, candidate }: CanaryWindow): ExceedanceState => {
  const thresholdsMs = state.nextThresholdsMs;
  const counted = ({ latencyBins }: ArmWindow) => ({
    n: countOf(latencyBins),
    over: each((quantile) => (thresholdsMs ? countOver(latencyBins, thresholdsMs[quantile]) : 0)),
  });
  return exceedance.update(state, {
    thresholdsMs,
    baseline: counted(baseline),
    candidate: counted(candidate),
    baselineQuantilesMs: quantilesOf(baseline),
  });
};

const quantilesOf = ({ latencyBins }: ArmWindow): PerQuantile | null => {
  const [p90, p95, p99] = [0.9, 0.95, 0.99].map((quantile) => quantileMs(latencyBins, quantile));
  return p90 && p95 && p99 ? { p90, p95, p99 } : null;
};

const each = (value: (quantile: keyof PerQuantile) => number): PerQuantile => ({
  p90: value("p90"),
  p95: value("p95"),
  p99: value("p99"),
});

const milliseconds = (value: number): string => `${Math.round(value)} ms`;
