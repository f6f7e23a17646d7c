import type { ArmWindow, CanaryWindow, CheckName, Interval, LATENCY_BIN_GROWTH, Policy } from "@sluice/contracts";
import { groupMeans } from "@sluice/statistics/sequential/group-means";
import { quantileSequence } from "@sluice/statistics/sequential/quantile-sequence";
import { stratifiedRates } from "@sluice/statistics/sequential/stratified-rates";
import type { Look } from "./release-story.ts";

/** The compiler holds it to the contracts' value. */
const binGrowth: typeof LATENCY_BIN_GROWTH = 1.04;

type Metrics = Policy["canary"]["metrics"];
export const plottedChecks = [
  "errorRate",
  "latencyP95",
  "quality",
  "refusalRate",
] as const satisfies ReadonlyArray<CheckName>;
export type PlottedCheck = (typeof plottedChecks)[number];

/** Every window that decisions of the release were made on, once each, in the order of time. */
export const windowsOf = (looks: ReadonlyArray<Look>): ReadonlyArray<CanaryWindow> => {
  const byStart = new Map<string, CanaryWindow>();
  for (const { evidence } of looks)
    for (const window of evidence.windows) byStart.set(`${window.from} ${window.step}`, window);
  return [...byStart.values()].sort((a, b) => a.from.localeCompare(b.from));
};

export interface ArmSeries {
  readonly timesMs: ReadonlyArray<number>;
  readonly baseline: ReadonlyArray<number | null>;
  readonly candidate: ReadonlyArray<number | null>;
}

/** A metric of both arms, window by window, over all requests; null where an arm had none. */
export const armSeries = (check: PlottedCheck, windows: ReadonlyArray<CanaryWindow>): ArmSeries => ({
  timesMs: windows.map(({ from }) => Date.parse(from)),
  baseline: windows.map(({ baseline }) => metricOf(check, baseline)),
  candidate: windows.map(({ candidate }) => metricOf(check, candidate)),
});

const ratio = (part: number, whole: number): number | null => (whole > 0 ? part / whole : null);

const metricOf = (check: PlottedCheck, arm: ArmWindow): number | null => {
  switch (check) {
    case "errorRate":
      return ratio(arm.errors, arm.requests);
    case "refusalRate":
      return ratio(arm.refusals, arm.answered);
    case "quality":
      return ratio(arm.quality.sum, arm.quality.n);
    case "latencyP95":
      return latencyQuantile(arm.latencyBins, 0.95);
  }
};

/** Upper edge in milliseconds of the bin in which the quantile lies. */
export const latencyQuantile = (bins: ArmWindow["latencyBins"], quantile: number): number | null => {
  const sorted = [...bins].sort(([a], [b]) => a - b);
  const total = sorted.reduce((sum, [, count]) => sum + count, 0);
  let seen = 0;
  for (const [bin, count] of sorted) {
    seen += count;
    if (seen >= quantile * total) return binGrowth ** bin;
  }
  return null;
};

export interface DifferenceSeries {
  readonly timesMs: ReadonlyArray<number>;
  readonly difference: ReadonlyArray<number | null>;
  readonly low: ReadonlyArray<number | null>;
  readonly high: ReadonlyArray<number | null>;
  /** Natural logarithm of the metric's own e-value, over the whole rollout; null where the windows alone do not tell it. */
  readonly logE: ReadonlyArray<number> | null;
}

interface Shown {
  readonly estimate: number | null;
  readonly interval: Pick<Interval, "low" | "high"> | null;
  readonly logE: number;
}
interface Process<State> {
  readonly initial: State;
  readonly update: (state: State, window: CanaryWindow) => State;
  readonly evidence: (state: State) => Shown;
}

/**
 * Difference of the arms with its confidence sequence, from the windows on record: anew in each step, as the controller shows
 * it. Of rates and scores by the functions that the controller uses; of p95 from the confidence sequences of both arms' quantiles.
 */
export const differenceSeries = (
  check: PlottedCheck,
  metrics: Metrics,
  windows: ReadonlyArray<CanaryWindow>,
): DifferenceSeries => {
  if (check === "latencyP95") return latencyDifference(windows);
  if (check === "quality")
    return follow(windows, {
      initial: groupMeans.initial({ margin: metrics.quality.margin }),
      update: (state, { baseline, candidate }) =>
        groupMeans.update(state, { baseline: baseline.quality, candidate: candidate.quality }),
      evidence: groupMeans.evidence,
    });
  const countsOf = (arm: ArmWindow) => {
    const { n, errors, answered, refusals } = arm.units ?? { ...arm, n: arm.requests };
    return check === "errorRate" ? { n, events: errors } : { n: answered, events: refusals };
  };
  const rates = follow(windows, {
    initial: stratifiedRates.initial({ psi0: metrics[check].marginOddsRatio }),
    update: (state, { baseline, candidate }) =>
      stratifiedRates.update(state, { baseline: countsOf(baseline), candidate: countsOf(candidate) }),
    evidence: stratifiedRates.evidence,
  });
  // Early bounds are wider than two rates can differ; a plot that shows them shows nothing else.
  return { ...rates, low: rates.low.map(withinOne), high: rates.high.map(withinOne) };
};

const withinOne = (value: number | null): number | null => (value === null ? null : Math.max(-1, Math.min(1, value)));

const follow = <State>(windows: ReadonlyArray<CanaryWindow>, process: Process<State>): DifferenceSeries => {
  let whole = process.initial;
  let ofStep = process.initial;
  let step = -1;
  const shown = windows.map((window) => {
    if (window.step !== step) {
      step = window.step;
      ofStep = process.initial;
    }
    whole = process.update(whole, window);
    ofStep = process.update(ofStep, window);
    return { ...process.evidence(ofStep), logE: process.evidence(whole).logE };
  });
  return {
    timesMs: windows.map(({ from }) => Date.parse(from)),
    difference: shown.map(({ estimate }) => estimate),
    low: shown.map(({ interval }) => interval?.low ?? null),
    high: shown.map(({ interval }) => interval?.high ?? null),
    logE: shown.map(({ logE }) => logE),
  };
};

/** As the other intervals on the screen. */
const CONFIDENCE = 0.95;
const P95 = 0.95;
/** More points than the plot has room for; each takes a search. Between them the line goes on. */
const MOST_BOUNDS = 240;

/**
 * p95 of the candidate minus p95 of the baseline over the step so far. Both arms' sequences hold at once with the confidence of
 * the whole, so the bounds are those of the largest and the smallest difference that they leave.
 */
const latencyDifference = (windows: ReadonlyArray<CanaryWindow>): DifferenceSeries => {
  let arms = { baseline: new Map<number, number>(), candidate: new Map<number, number>() };
  let step = -1;
  const every = Math.ceil(windows.length / MOST_BOUNDS);
  const shown = windows.map((window, i) => {
    if (window.step !== step) {
      step = window.step;
      arms = { baseline: new Map(), candidate: new Map() };
    }
    addUnits(arms.baseline, window.baseline);
    addUnits(arms.candidate, window.candidate);
    if (i % every !== 0 && windows[i + 1]?.step === step) return { difference: null, low: null, high: null };
    const [baseline, candidate] = [p95Of(arms.baseline), p95Of(arms.candidate)];
    return {
      difference: minus(candidate.estimate, baseline.estimate),
      low: minus(candidate.low, baseline.high),
      high: minus(candidate.high, baseline.low),
    };
  });
  return {
    timesMs: windows.map(({ from }) => Date.parse(from)),
    difference: shown.map(({ difference }) => difference),
    low: shown.map(({ low }) => low),
    high: shown.map(({ high }) => high),
    logE: null,
  };
};

const minus = (a: number | null, b: number | null): number | null => (a === null || b === null ? null : a - b);

const addUnits = (counts: Map<number, number>, arm: ArmWindow): void => {
  for (const [bin, count] of (arm.units ?? arm).latencyBins) counts.set(bin, (counts.get(bin) ?? 0) + count);
};

/** p95 of the histogram of a step so far, with its bounds. */
const p95Of = (counts: ReadonlyMap<number, number>) => {
  const bins = [...counts].sort(([a], [b]) => a - b);
  const histogram = bins.map(([bin, count]) => ({ low: binGrowth ** (bin - 1), high: binGrowth ** bin, count }));
  return {
    estimate: latencyQuantile(bins, P95),
    ...quantileSequence(histogram, P95, 1 - (1 - CONFIDENCE) / 2),
  };
};
