import * as Schema from "effect/Schema";
import { BundleReference } from "./artifact.ts";
import { CanaryEvidence, CanaryForecast, GateReport, OfflineEvidence, ShadowEvidence } from "./evidence.ts";
import { Policy } from "./policy.ts";
import {
  ApplicationName,
  Author,
  Count,
  Digest,
  EventId,
  Ratio,
  Reason,
  ReleaseId,
  Text,
  Timestamp,
} from "./primitives.ts";

const ofApplication = { eventId: EventId, application: ApplicationName, at: Timestamp };
const ofRelease = { ...ofApplication, releaseId: ReleaseId };
const byAuthor = { author: Author, reason: Reason };
const overridden = {
  incident: Schema.NullOr(Schema.String.check(Schema.isMaxLength(2_000))),
  /** The release must be at 100 % by then; absent: whenever. */
  expiresAt: Schema.optionalKey(Timestamp),
};

/** Named causes of waiting; each has a deadline, then a rollback. */
export const HoldCause = Schema.Literals([
  "no-data",
  "query-failed",
  "judge-down",
  "watermark-behind",
  "sample-ratio-mismatch",
  "metric-breached",
]);
export type HoldCause = typeof HoldCause.Type;

export const BreachCause = Schema.Literals([
  "metric",
  "ceiling",
  "safety-probe",
  "served-digest",
  "hold-deadline",
  "external",
]);
export type BreachCause = typeof BreachCause.Type;

/** `window`: a recurring one of the policy or of the organisation; `all`: the copy of a freeze of all applications. */
export const FreezeScope = Schema.Literals(["application", "all", "window"]);
export type FreezeScope = typeof FreezeScope.Type;

/** Chosen once per intention or per occurrence of a window: the same one again is the same freeze. */
const FreezeId = Schema.NonEmptyString.check(Schema.isMaxLength(200));
const ofFreeze = { ...ofApplication, freezeId: FreezeId };

/** What holds users' texts: whatever was said under these cluster keys, and whole artifacts. */
export const Erasable = Schema.Struct({
  /** Of conversations, users or requests as telemetry has them (`clusterKeyOf`): no id as its owner wrote it. */
  clusterKeys: Schema.Array(Schema.NonEmptyString.check(Schema.isMaxLength(200))).check(Schema.isMaxLength(1_000)),
  artifacts: Schema.Array(Digest).check(Schema.isMaxLength(1_000)),
});
/** Chosen once per intention: the same one again is the same erasure. */
const ErasureId = Schema.NonEmptyString.check(Schema.isMaxLength(200));
const ofErasure = { ...ofApplication, erasureId: ErasureId };

/** Everything that can happen to a release; topic `sluice.releases.v1`, key application. */
export const ReleaseEvent = Schema.TaggedUnion({
  /** The bundle that an application serves before Sluice releases anything. */
  ApplicationRegistered: { ...ofApplication, baseline: BundleReference, author: Author },
  ReleaseRequested: {
    ...ofRelease,
    candidate: BundleReference,
    policy: Policy,
    /** Null when the gate is to find that nothing was evaluated. */
    evidence: Schema.NullOr(OfflineEvidence),
    author: Author,
    team: Schema.NonEmptyString.check(Schema.isMaxLength(100)),
    description: Text,
    commit: Schema.NullOr(Schema.String.check(Schema.isMaxLength(100))),
    link: Schema.NullOr(Schema.String.check(Schema.isMaxLength(2_000))),
    /** When the change was merged: the start of lead time. */
    mergedAt: Schema.NullOr(Timestamp),
    /** What the requester was told that the canary can see; absent where nobody was asked. */
    forecast: Schema.optionalKey(CanaryForecast),
  },

  OfflineGatePassed: { ...ofRelease, report: GateReport, policyDigest: Digest },
  OfflineGateBlocked: { ...ofRelease, report: GateReport, policyDigest: Digest },
  OfflineGateInconclusive: { ...ofRelease, report: GateReport, policyDigest: Digest },
  OfflineGateInvalid: { ...ofRelease, report: GateReport, policyDigest: Digest },
  /** The first of two people whom the policy asks for; nothing has changed yet. */
  OverrideProposed: { ...ofRelease, ...byAuthor, ...overridden },
  GateOverridden: {
    ...ofRelease,
    ...byAuthor,
    ...overridden,
    /** Who had proposed it, where the policy asks for two people. */
    proposedBy: Schema.optionalKey(Author),
  },
  /** The override's time was over before its release had reached 100 %: the gate's answer holds again. */
  OverrideExpired: { ...ofRelease },

  ShadowStarted: { ...ofRelease, sampleRate: Ratio },
  ShadowPassed: { ...ofRelease, evidence: ShadowEvidence, policyDigest: Digest },
  ShadowRegressed: { ...ofRelease, evidence: ShadowEvidence, policyDigest: Digest },
  /** The deadline came before the evidence: ends the release without a verdict on the candidate. */
  ShadowInconclusive: { ...ofRelease, evidence: ShadowEvidence, policyDigest: Digest },

  CanaryStepStarted: { ...ofRelease, step: Count, share: Ratio },
  CanaryStepPassed: { ...ofRelease, step: Count, evidence: CanaryEvidence, policyDigest: Digest },
  CanaryHeld: {
    ...ofRelease,
    step: Count,
    cause: HoldCause,
    waitsFor: Text,
    until: Timestamp,
    evidence: Schema.NullOr(CanaryEvidence),
    policyDigest: Digest,
  },
  /** What the step was held for is no longer so; it goes on as any other, and what else it needs it waits for. */
  CanaryHoldEnded: { ...ofRelease, step: Count },
  CanaryBreached: {
    ...ofRelease,
    step: Count,
    cause: BreachCause,
    /** One sentence: what failed, by how much, against which limit. */
    sentence: Text,
    /** Start of the first window that shows the breach. */
    since: Timestamp,
    evidence: Schema.NullOr(CanaryEvidence),
    policyDigest: Digest,
    /** Who reported it, for cause `external`. */
    reportedBy: Schema.optionalKey(Author),
  },
  /** Every live gateway serves the pinned routing and the last served digests agree. */
  MitigationConfirmed: {
    ...ofRelease,
    routingVersion: Count,
    gateways: Schema.Array(Schema.Struct({ gatewayId: Schema.String, acknowledgedAt: Timestamp })),
  },
  ReleaseRolledBack: {
    ...ofRelease,
    to: Digest,
    sentence: Text,
    /** Gateways that had not acknowledged when the mitigation deadline passed. */
    unacknowledged: Schema.Array(Schema.String),
  },
  ReleaseCompleted: { ...ofRelease, baseline: Digest },

  ReleasePaused: { ...ofRelease, ...byAuthor },
  ReleaseResumed: { ...ofRelease, ...byAuthor },
  /** The operator's `advance`: the rest of the step's hold is skipped; its checks are not. */
  HoldSkipped: { ...ofRelease, ...byAuthor, step: Count },
  ReleaseAborted: { ...ofRelease, ...byAuthor },
  /** Back to a bundle that was fully released before, without gates; ends an active release. */
  BaselineRolledBack: { ...ofApplication, ...byAuthor, to: Digest },

  /** The log is the outbox of pages: one is due until its event is here. */
  PageSent: {
    ...ofRelease,
    dedupKey: Schema.String,
    /** The channel that took it. */
    channel: Schema.String,
    /** Channels before it that did not: the page has escalated. */
    notTakenBy: Schema.optionalKey(Schema.Array(Schema.String)),
  },
  PageResolved: { ...ofRelease, dedupKey: Schema.String, channel: Schema.String },
  /** No channel has taken a page or a notice so far; it is tried until one does. Said once for each. */
  PageUndelivered: { ...ofRelease, dedupKey: Schema.String, sentence: Text },
  /** The end of a release was told to every channel that wants to know (none, where nobody does). */
  NoticeSent: { ...ofRelease, dedupKey: Schema.String, channels: Schema.Array(Schema.String) },

  /** Nothing goes forward until it is lifted; rollbacks and aborts are exempt. */
  ReleasesFrozen: {
    ...ofFreeze,
    scope: FreezeScope,
    /** Then it is lifted by itself; null for none. */
    until: Schema.NullOr(Timestamp),
    /** Null for a recurring window. */
    author: Schema.NullOr(Author),
    reason: Reason,
  },
  /** The emergency stop: a canary is pinned to the baseline and rolled back, and nothing goes forward until it is lifted. */
  ReleasesStopped: { ...ofFreeze, ...byAuthor, scope: FreezeScope },
  ReleasesUnfrozen: { ...ofFreeze, author: Schema.NullOr(Author), reason: Reason },

  /** Texts that were said until now have to go, from wherever they are kept. The record has who wanted it, and no text. */
  ErasureRequested: { ...ofErasure, ...byAuthor, ...Erasable.fields },
  /** Telemetry and artifacts have them no more. What comes in late from the log is erased again. */
  PayloadsErased: {
    ...ofErasure,
    /** Rows that these keys have in telemetry: their figures are kept. */
    observations: Count,
    judgements: Count,
    /** Artifacts that are gone. */
    artifacts: Count,
  },
}).annotate({ identifier: "ReleaseEvent" });

export type ReleaseEvent = typeof ReleaseEvent.Type;
export type ReleaseEventType = ReleaseEvent["_tag"];
export type ReleaseEventOf<Tag extends ReleaseEventType> = Extract<ReleaseEvent, { _tag: Tag }>;
