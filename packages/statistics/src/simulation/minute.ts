import type { PerQuantile } from "../sequential/exceedance.ts";
import type { ScoreSums } from "../sequential/group-means.ts";

export type RateMetric = "errors" | "refusals" | "flags";
export const rateMetrics: ReadonlyArray<RateMetric> = ["errors", "refusals", "flags"];

/** What one arm did in one minute, as sufficient statistics over its units. */
export type ArmMinute = {
  readonly n: number;
  readonly events: Readonly<Record<RateMetric, number>>;
  /** Units slower than each threshold in force. */
  readonly over: PerQuantile;
  readonly scores: ScoreSums;
};

/** One minute of both arms; the thresholds in force come from the baseline's earlier minutes. */
export type Minute = {
  readonly baseline: ArmMinute;
  readonly candidate: ArmMinute;
  readonly baselineQuantilesMs: PerQuantile;
};

export const emptyArm: ArmMinute = {
  n: 0,
  events: { errors: 0, refusals: 0, flags: 0 },
  over: { p90: 0, p95: 0, p99: 0 },
  scores: { n: 0, sum: 0, sumSquares: 0 },
};

export const addArms = (a: ArmMinute, b: ArmMinute): ArmMinute => ({
  n: a.n + b.n,
  events: {
    errors: a.events.errors + b.events.errors,
    refusals: a.events.refusals + b.events.refusals,
    flags: a.events.flags + b.events.flags,
  },
  over: { p90: a.over.p90 + b.over.p90, p95: a.over.p95 + b.over.p95, p99: a.over.p99 + b.over.p99 },
  scores: {
    n: a.scores.n + b.scores.n,
    sum: a.scores.sum + b.scores.sum,
    sumSquares: a.scores.sumSquares + b.scores.sumSquares,
  },
});
