import type { ArmWindow, CanaryWindow, Policy, UnitCounts } from "@sluice/contracts";
import { clopperPearsonInterval, combine, type Proportion, rateCeiling, stratifiedRates } from "@sluice/statistics";
import { isWithoutBaseline, logEPath, type MetricRun, type RunInput, sumOf, withLastStep } from "./metric-run.ts";
import { requestsOf, unitsOf } from "./units.ts";

type RatePolicy = Policy["canary"]["metrics"]["errorRate"];
type CountsOf = (arm: ArmWindow) => Proportion;

export interface RateMetric {
  readonly check: "errorRate" | "refusalRate";
  readonly label: string;
  readonly countsOf: (counts: UnitCounts) => Proportion;
}

export const errorRate: RateMetric = {
  check: "errorRate",
  label: "error rate",
  countsOf: ({ n, errors }) => ({ n, events: errors }),
};

export const refusalRate: RateMetric = {
  check: "refusalRate",
  label: "refusal rate",
  countsOf: ({ answered, refusals }) => ({ n: answered, events: refusals }),
};

/** A decrease of a rate is an increase of what is left of 1. */
const complement =
  (countsOf: CountsOf): CountsOf =>
  (arm) => {
    const { n, events } = countsOf(arm);
    return { n, events: n - events };
  };

/** Runs a rate, of which policy says which change is worse. It is compared on units; its ceiling is for all requests. */
export const rateRun = (metric: RateMetric, policy: RatePolicy, input: RunInput): MetricRun => {
  const countsOf: CountsOf = (arm) => metric.countsOf(unitsOf(arm));
  const requestCountsOf: CountsOf = (arm) => metric.countsOf(requestsOf(arm));
  const increases = increasePath(policy.marginOddsRatio, input);
  const worse = {
    increase: () => increases(countsOf),
    decrease: () => increases(complement(countsOf)),
    // A mean of two e-values is one: either change may be found, each at half the price.
    either: () => meanOfPaths(increases(countsOf), increases(complement(countsOf))),
  };
  const { initial, update } = comparisonOf(policy.marginOddsRatio, countsOf);
  const shown = stratifiedRates.evidence(input.present.reduce(update, initial));
  const baseline = totalOf(input.concurrentBaseline ? input.present : input.earlierBaseline, "baseline", countsOf);
  const candidate = totalOf(input.present, "candidate", countsOf);
  const all = totalOf(input.present, "candidate", requestCountsOf);
  return {
    check: metric.check,
    onBreach: policy.onBreach,
    mode: policy.mode,
    weight: policy.weight,
    method: `stratified conditional Fisher e-process${policy.direction === "increase" ? "" : ` (${policy.direction})`}`,
    logEs: worse[policy.direction](),
    limitLogEs: policy.ceiling === null ? null : ceilingPath(input.windows, policy.ceiling, requestCountsOf),
    limit: policy.ceiling === null ? null : `above the ceiling of ${percent(policy.ceiling)}`,
    baseline: { n: baseline.n, value: rateOf(baseline) },
    candidate: { n: candidate.n, value: rateOf(candidate) },
    unit: input.unit,
    ofAllRequests: policy.ceiling === null ? null : { n: all.n, value: rateOf(all) },
    difference: input.concurrentBaseline ? shown.estimate : difference(rateOf(baseline), rateOf(candidate)),
    interval: input.concurrentBaseline ? shown.interval : null,
    label: metric.label,
    format: percent,
  };
};

const comparisonOf = (psi0: number, countsOf: CountsOf) => {
  const initial = stratifiedRates.initial({ psi0 });
  const update = (state: typeof initial, window: CanaryWindow) =>
    stratifiedRates.update(state, { baseline: countsOf(window.baseline), candidate: countsOf(window.candidate) });
  return { initial, update };
};

/** Evidence, after each window, that the candidate's rate is above the baseline's. */
const increasePath =
  (marginOddsRatio: number, input: RunInput) =>
  (countsOf: CountsOf): ReadonlyArray<number> => {
    const { initial, update } = comparisonOf(marginOddsRatio, countsOf);
    return withLastStep(
      logEPath(input.windows, initial, update, (state) => stratifiedRates.evidence(state).logE),
      lastStepPath(input, {
        ofBaseline: countsOf,
        ofCandidate: countsOf,
        toleratedOddsRatio: Math.max(marginOddsRatio, EARLIER_BASELINE_ODDS_RATIO),
      }),
    );
  };

const meanOfPaths = (one: ReadonlyArray<number>, other: ReadonlyArray<number>): ReadonlyArray<number> =>
  one.map((logE, i) => combine([logE, other[i] ?? 0], [1, 1]));

/** E-process against "at most `ceiling`"; a ceiling of 0 or 1 is moved inside, where odds exist. */
export const ceilingPath = (
  windows: ReadonlyArray<CanaryWindow>,
  ceiling: number,
  countsOf: CountsOf,
  counts: (window: CanaryWindow) => boolean = () => true,
): ReadonlyArray<number> =>
  logEPath(
    windows,
    rateCeiling.initial({ ceiling: Math.min(1 - 1e-9, Math.max(1e-9, ceiling)) }),
    (state, window) => (counts(window) ? rateCeiling.update(state, { candidate: countsOf(window.candidate) }) : state),
    (state) => rateCeiling.evidence(state).logE,
  );

/**
 * Rates move with the hour of the day. Against a baseline of an earlier hour only an odds ratio above this is held against
 * the candidate; a smaller change cannot be told from the hour's.
 */
const EARLIER_BASELINE_ODDS_RATIO = 2;

export interface EarlierBaseline {
  readonly ofBaseline: CountsOf;
  readonly ofCandidate: CountsOf;
  readonly toleratedOddsRatio: number;
}

/**
 * Windows without a baseline against the upper confidence limit of the baseline's rate in the step before, widened by what
 * is tolerated. Null when there is nothing to compare with.
 */
export const lastStepPath = (
  { windows, earlierBaseline, alpha }: RunInput,
  { ofBaseline, ofCandidate, toleratedOddsRatio }: EarlierBaseline,
): ReadonlyArray<number> | null => {
  const reference = totalOf(earlierBaseline, "baseline", ofBaseline);
  if (reference.n === 0) return null;
  const limit = clopperPearsonInterval(reference.events, reference.n, 1 - alpha / 5).high;
  const odds = (limit / Math.max(1e-9, 1 - limit)) * toleratedOddsRatio;
  return ceilingPath(windows, odds / (1 + odds), ofCandidate, isWithoutBaseline);
};

const totalOf = (
  windows: ReadonlyArray<CanaryWindow>,
  arm: "baseline" | "candidate",
  countsOf: CountsOf,
): Proportion => ({
  n: sumOf(windows, (window) => countsOf(window[arm]).n),
  events: sumOf(windows, (window) => countsOf(window[arm]).events),
});

const rateOf = ({ n, events }: Proportion): number | null => (n > 0 ? events / n : null);
export const difference = (baseline: number | null, candidate: number | null): number | null =>
  baseline === null || candidate === null ? null : candidate - baseline;
const percent = (rate: number): string => `${(100 * rate).toFixed(2)} %`;
