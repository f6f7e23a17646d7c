import { InvalidArgument, requireCount, requireCountOf, requirePositive } from "../invalid-argument.ts";
import { combine } from "./combine.ts";
import type { Evidence } from "./evidence.ts";
import {
  type RateEvidence,
  type StratifiedRatesConfig,
  type StratifiedRatesState,
  stratifiedRates,
  stratifiedRatesLogE,
} from "./stratified-rates.ts";

/** One value for each quantile that is watched. Thresholds and quantiles in milliseconds, counts in units. */
export type PerQuantile = { readonly p90: number; readonly p95: number; readonly p99: number };

/**
 * One closed window, as the caller reads it from the telemetry store:
 * 1. before the query it takes `state.nextThresholdsMs` (proposed by the process from the baseline's earlier windows);
 * 2. it counts, per arm, the units slower than each of these thresholds (`over`), and passes the thresholds back, so that
 *    state and counts cannot drift apart;
 * 3. it adds the baseline's quantiles of this very window, which only serve the thresholds of later ones.
 * In the first window there are no thresholds yet: `thresholdsMs` is null and `over` is 0. A window from before the canary
 * (baseline only) may be fed first, so that the first canary window already counts.
 */
export type ExceedanceStratum = {
  readonly thresholdsMs: PerQuantile | null;
  readonly baseline: { readonly n: number; readonly over: PerQuantile };
  readonly candidate: { readonly n: number; readonly over: PerQuantile };
  /** Null when the baseline had no request in the window. */
  readonly baselineQuantilesMs: PerQuantile | null;
};

export type ExceedanceState = {
  /** What the next stratum must be counted with; null until a window with baseline quantiles was seen. */
  readonly nextThresholdsMs: PerQuantile | null;
  /** Weight and weighted sum of log quantiles behind the thresholds, fading by half in ten windows. */
  readonly quantileWeight: number;
  readonly logQuantileSums: PerQuantile;
  readonly processes: {
    readonly p90: StratifiedRatesState;
    readonly p95: StratifiedRatesState;
    readonly p99: StratifiedRatesState;
  };
  readonly peakLogE: number;
};

export type ExceedanceEvidence = Evidence & {
  readonly method: "exceedance";
  /** Thresholds that the next window will be counted with. */
  readonly thresholdsMs: PerQuantile | null;
  readonly byQuantile: { readonly p90: RateEvidence; readonly p95: RateEvidence; readonly p99: RateEvidence };
};

const quantiles = ["p90", "p95", "p99"] as const;
const each = <T>(value: (quantile: (typeof quantiles)[number]) => T): { p90: T; p95: T; p99: T } => ({
  p90: value("p90"),
  p95: value("p95"),
  p99: value("p99"),
});

// A daily cycle moves latency over hours: ten windows are long enough to be smooth and short enough to follow it.
const FADE = 0.5 ** (1 / 10);

const initial = (config: Partial<StratifiedRatesConfig> = {}): ExceedanceState => ({
  nextThresholdsMs: null,
  quantileWeight: 0,
  logQuantileSums: { p90: 0, p95: 0, p99: 0 },
  processes: each(() => stratifiedRates.initial(config)),
  peakLogE: 0,
});

const update = (state: ExceedanceState, stratum: ExceedanceStratum): ExceedanceState => {
  checkStratum(state, stratum);
  const learned = learn(state, stratum);
  if (state.nextThresholdsMs === null) return learned;
  const processes = each((quantile) =>
    stratifiedRates.update(state.processes[quantile], {
      baseline: { n: stratum.baseline.n, events: stratum.baseline.over[quantile] },
      candidate: { n: stratum.candidate.n, events: stratum.candidate.over[quantile] },
    }),
  );
  const next = { ...learned, processes };
  return { ...next, peakLogE: Math.max(state.peakLogE, logEOf(next)) };
};

const checkStratum = (state: ExceedanceState, stratum: ExceedanceStratum): void => {
  for (const arm of ["baseline", "candidate"] as const) {
    const { n, over } = stratum[arm];
    requireCount(`${arm}.n`, n);
    for (const quantile of quantiles) requireCountOf(`${arm}.over.${quantile}`, over[quantile], `${arm}.n`, n);
  }
  const expected = state.nextThresholdsMs;
  const given = stratum.thresholdsMs;
  if (expected === null) {
    if (given !== null) throw new InvalidArgument("thresholdsMs", given, "null in the first window");
    return;
  }
  for (const quantile of quantiles) {
    if (given?.[quantile] !== expected[quantile]) {
      throw new InvalidArgument(
        `thresholdsMs.${quantile}`,
        given?.[quantile],
        `the threshold proposed by the state (${expected[quantile]})`,
      );
    }
  }
};

const learn = (state: ExceedanceState, stratum: ExceedanceStratum): ExceedanceState => {
  const seen = stratum.baselineQuantilesMs;
  if (seen === null || stratum.baseline.n === 0) return state;
  for (const quantile of quantiles) requirePositive(`baselineQuantilesMs.${quantile}`, seen[quantile]);
  const quantileWeight = state.quantileWeight * FADE + stratum.baseline.n;
  const logQuantileSums = each(
    (quantile) => state.logQuantileSums[quantile] * FADE + stratum.baseline.n * Math.log(seen[quantile]),
  );
  return {
    ...state,
    quantileWeight,
    logQuantileSums,
    // Whole microseconds: the same number in a query, in JSON and here.
    nextThresholdsMs: each(
      (quantile) => Math.round(1_000 * Math.exp(logQuantileSums[quantile] / quantileWeight)) / 1_000,
    ),
  };
};

const logEOf = (state: Pick<ExceedanceState, "processes">): number =>
  combine(quantiles.map((quantile) => stratifiedRatesLogE(state.processes[quantile])));

const evidence = (state: ExceedanceState): ExceedanceEvidence => {
  const byQuantile = each((quantile) => stratifiedRates.evidence(state.processes[quantile]));
  const { estimate, interval, n } = byQuantile.p95;
  return {
    method: "exceedance",
    logE: logEOf(state),
    peakLogE: state.peakLogE,
    estimate,
    interval,
    n,
    thresholdsMs: state.nextThresholdsMs,
    byQuantile,
  };
};

/**
 * Latency p95 (higher is worse) as rates: how often does each arm exceed the baseline's own p90, p95 and p99 of earlier
 * windows? H₀: at each threshold the candidate's odds of exceeding it are at most psi0 times the baseline's, in every window.
 * Any threshold fixed before the window keeps `stratifiedRates` valid, also a bad one; the three e-values are averaged, since
 * a fault may widen the whole distribution or only its far tail. Estimate and interval: candidate's minus baseline's share of
 * units above the baseline's p95. Assumptions and dependence as in `stratifiedRates`: requests of one conversation share its
 * length, so take one request a conversation. Errors: `InvalidArgument`, also when the counts were taken at other thresholds
 * than the state proposed. Source: Howard & Ramdas 2022 (sequential quantiles) for the idea, Fisher's test for the form.
 */
export const exceedance = { initial, update, evidence };
