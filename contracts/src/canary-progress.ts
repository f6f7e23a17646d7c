import * as Schema from "effect/Schema";
import { CanaryEvidence, CheckEvidence } from "./evidence.ts";
import { ApplicationName, Count, Positive, Ratio, ReleaseId, Text, Timestamp } from "./primitives.ts";

/** One check as it stands now, beside what it is held against. */
export const CheckProgress = Schema.Struct({
  ...CheckEvidence.fields,
  /** The candidate's own limit whatever the baseline does, in the metric's unit; null where policy sets none. */
  ceiling: Schema.NullOr(Schema.Finite),
  /** What the check may not exceed, in words. */
  limit: Text,
}).annotate({ identifier: "CheckProgress" });
export type CheckProgress = typeof CheckProgress.Type;

/**
 * How the present canary step stands: what the controller's last look found, for whoever watches. Nothing is decided on it,
 * and the evidence of each decision is on the decision's own event. Topic `sluice.canary-progress.v1` (compacted, key
 * application).
 */
export const CanaryProgress = Schema.TaggedStruct("CanaryProgressed", {
  application: ApplicationName,
  releaseId: ReleaseId,
  /** When the controller looked. */
  at: Timestamp,
  step: Count,
  /** Number of steps by policy. */
  steps: Count,
  share: Ratio,
  startedAt: Timestamp,
  /** Null when an operator has skipped the rest of the hold. */
  holdEndsAt: Schema.NullOr(Timestamp),
  /** Then the step is rolled back if it has not passed; null while it is paused. */
  deadline: Schema.NullOr(Timestamp),
  /** The earliest instant at which the step can pass if requests keep their rate; null when none come. */
  readyAt: Schema.NullOr(Timestamp),
  windowSeconds: Positive,
  /** Closed windows judged in this step, and the end of the last one; null before the first. */
  windows: Count,
  judgedThrough: Schema.NullOr(Timestamp),
  /** Seen on each arm in this step; `needed` is what each must have (the baseline only where it has users). */
  requests: Schema.Struct({ baseline: Count, candidate: Count, needed: Count }),
  checks: Schema.Array(CheckProgress),
  /** The false-alarm budget of the whole rollout; null before the first window. */
  combined: Schema.NullOr(CanaryEvidence.fields.combined),
  concurrentBaseline: Schema.Boolean,
  /** What the step waits for, one sentence each; empty when it only waits for nobody. */
  waitsFor: Schema.Array(Text),
}).annotate({ identifier: "CanaryProgress" });
export type CanaryProgress = typeof CanaryProgress.Type;
