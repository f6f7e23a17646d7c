import * as Schema from "effect/Schema";
import { BundleReference } from "./artifact.ts";
import { ApplicationName, Author, Count, Digest, Ratio, Reason, ReleaseId, Text, Timestamp } from "./primitives.ts";
import { FreezeScope, HoldCause } from "./release-event.ts";

const openPhases = ["queued", "requested", "gate-passed", "shadow", "shadow-passed", "canary", "breached"] as const;
const endedPhases = [
  "blocked",
  "regressed",
  "inconclusive",
  "rolled-back",
  "aborted",
  "superseded",
  "completed",
] as const;

export const ReleasePhase = Schema.Literals([...openPhases, ...endedPhases]);
export type ReleasePhase = typeof ReleasePhase.Type;

/** Whether a release in this phase has ended; a blocked one may still be overridden. */
export const hasEnded = (phase: ReleasePhase): boolean => endedPhases.some((ended) => ended === phase);

/** What services subscribe to; topic `sluice.release-state.v1` (compacted, key application). */
export const ReleaseState = Schema.TaggedStruct("ReleaseStateChanged", {
  application: ApplicationName,
  version: Count,
  at: Timestamp,
  baseline: Schema.NullOr(BundleReference),
  active: Schema.NullOr(
    Schema.Struct({
      releaseId: ReleaseId,
      candidate: Digest,
      phase: ReleasePhase,
      /** Null outside the canary. */
      step: Schema.NullOr(Count),
      share: Ratio,
      paused: Schema.Boolean,
      overridden: Schema.Boolean,
      /** Who forced it past the gate, and why; absent where nobody did. */
      override: Schema.optionalKey(
        Schema.Struct({
          author: Author,
          reason: Reason,
          incident: Schema.NullOr(Schema.String),
          expiresAt: Schema.NullOr(Timestamp),
          proposedBy: Schema.NullOr(Author),
        }),
      ),
      since: Timestamp,
      /** What it waits for, in words; null when nothing. */
      waitsFor: Schema.NullOr(Text),
      /** Why the step is held, beyond its own hold, and when that is rolled back; absent or null when it is not held. */
      hold: Schema.optionalKey(Schema.NullOr(Schema.Struct({ cause: HoldCause, until: Timestamp }))),
    }),
  ),
  queued: Schema.Array(ReleaseId),
  /** What forbids going forward; absent when nothing does. */
  freezes: Schema.optionalKey(
    Schema.Array(
      Schema.Struct({
        freezeId: Schema.String,
        /** An emergency stop: no candidate is asked for anything. */
        stop: Schema.Boolean,
        scope: FreezeScope,
        since: Timestamp,
        until: Schema.NullOr(Timestamp),
        author: Schema.NullOr(Author),
        reason: Text,
      }),
    ),
  ),
  /** Pages that are open, and notices that wait; absent when there are none. */
  pages: Schema.optionalKey(
    Schema.Array(
      Schema.Struct({
        dedupKey: Schema.String,
        releaseId: ReleaseId,
        severity: Schema.Literals(["critical", "warning", "info"]),
        at: Timestamp,
        /** When a channel took it; null while none has. */
        sentAt: Schema.NullOr(Timestamp),
        /** Why no channel has taken it so far; null when none was found to fail. */
        undelivered: Schema.NullOr(Text),
      }),
    ),
  ),
  /** How the last release ended. */
  last: Schema.NullOr(Schema.Struct({ releaseId: ReleaseId, phase: ReleasePhase, at: Timestamp })),
}).annotate({ identifier: "ReleaseState" });
export type ReleaseState = typeof ReleaseState.Type;
