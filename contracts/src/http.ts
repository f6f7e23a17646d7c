import * as Schema from "effect/Schema";
import { BundleReference } from "./artifact.ts";
import { CanaryProgress } from "./canary-progress.ts";
import { CanaryForecast, OfflineEvidence } from "./evidence.ts";

import { Policy } from "./policy.ts";
import { ApplicationName, AuthorId, Count, Digest, Reason, ReleaseId, Role, Text, Timestamp } from "./primitives.ts";
import { ReleaseEvent } from "./release-event.ts";
import { ReleasePhase, ReleaseState } from "./release-state.ts";
import { withDefault } from "./with-default.ts";

/** Every answer other than 2xx. `message` is one sentence: what, where, the value, what to do. */
export const ErrorBody = Schema.Struct({
  error: Schema.Struct({ code: Schema.String, message: Schema.String }),
}).annotate({ identifier: "ErrorBody" });

// ---------------------------------------------------------------- requests

/** As people write it now; what is on record may be older. It stands in sentences, logs and terminals. */
export const PlainReason = Reason.check(
  Schema.isPattern(/^(?:\P{Cc}|[\n\t])*$/u, { expected: "a reason without control characters" }),
);

export const RegisterApplicationBody = Schema.Struct({
  application: ApplicationName,
  /** The artifacts must have been stored before. */
  baseline: BundleReference,
}).annotate({ identifier: "RegisterApplicationBody" });

/** The author is the token's; the release id follows from the Idempotency-Key header. */
export const RequestReleaseBody = Schema.Struct({
  application: ApplicationName,
  candidate: BundleReference,
  policy: withDefault(Policy, {}),
  evidence: withDefault(Schema.NullOr(OfflineEvidence), null),
  team: Schema.NonEmptyString.check(Schema.isMaxLength(100)),
  description: withDefault(Text, ""),
  commit: withDefault(Schema.NullOr(Schema.String.check(Schema.isMaxLength(100))), null),
  link: withDefault(Schema.NullOr(Schema.String.check(Schema.isMaxLength(2_000))), null),
  mergedAt: withDefault(Schema.NullOr(Timestamp), null),
}).annotate({ identifier: "RequestReleaseBody" });

export const ReasonBody = Schema.Struct({ reason: PlainReason }).annotate({ identifier: "ReasonBody" });

export const OverrideBody = Schema.Struct({
  reason: PlainReason,
  /** When the override ends, unless its release is at 100 % by then. */
  expiresAt: withDefault(Schema.NullOr(Timestamp), null),
  incident: withDefault(Schema.NullOr(Schema.String.check(Schema.isMaxLength(2_000))), null),
}).annotate({ identifier: "OverrideBody" });

export const RollbackBody = Schema.Struct({
  reason: PlainReason,
  /** A bundle that was fully released before. */
  to: Digest,
}).annotate({ identifier: "RollbackBody" });

export const FreezeBody = Schema.Struct({
  reason: PlainReason,
  /** Then it is lifted by itself; null: until somebody lifts it. */
  until: withDefault(Schema.NullOr(Timestamp), null),
}).annotate({ identifier: "FreezeBody" });

const Labels = Schema.Record(Schema.String, Schema.String);
/** What Alertmanager posts to a webhook, version 4; of it what is needed here, and the rest is let pass. */
export const AlertmanagerBody = Schema.Struct({
  version: Schema.Literal("4"),
  alerts: Schema.Array(
    Schema.Struct({
      status: Schema.Literals(["firing", "resolved"]),
      /** `application`, and `release` where one release is meant, say whose alert it is. */
      labels: Labels,
      annotations: withDefault(Labels, {}),
      /** In any ISO form: Alertmanager's has nanoseconds. */
      startsAt: Schema.String,
      fingerprint: withDefault(Schema.String, ""),
    }),
  ).check(Schema.isMaxLength(1_000)),
}).annotate({ identifier: "AlertmanagerBody" });

// ---------------------------------------------------------------- answers

/** What was decided; it is true, because it has come back from the log. */
export const DecidedBody = Schema.Struct({
  application: ApplicationName,
  releaseId: Schema.NullOr(ReleaseId),
  /** Empty when the same request was carried out before. */
  events: Schema.Array(Schema.Struct({ type: Schema.String, eventId: Schema.String })),
  /** Of a requested release: what its canary will be able to see. */
  forecast: Schema.optionalKey(CanaryForecast),
}).annotate({ identifier: "DecidedBody" });

/** What was decided for every application; those where it failed get it from the controller, as soon as it can. */
export const DecidedForAllBody = Schema.Struct({
  events: Schema.Array(Schema.Struct({ type: Schema.String, eventId: Schema.String })),
  applications: Schema.Array(ApplicationName),
  pending: Schema.Array(ApplicationName),
}).annotate({ identifier: "DecidedForAllBody" });

/** What each alert led to, in the order of the alerts. */
export const AlertsBody = Schema.Struct({
  alerts: Schema.Array(
    Schema.Struct({
      fingerprint: Schema.String,
      outcome: Schema.Literals(["breached", "ignored"]),
      sentence: Text,
    }),
  ),
}).annotate({ identifier: "AlertsBody" });

export const ArtifactStoredBody = Schema.Struct({ digest: Digest, bytes: Count }).annotate({
  identifier: "ArtifactStoredBody",
});

export const ApplicationsBody = Schema.Struct({ applications: Schema.Array(ReleaseState) }).annotate({
  identifier: "ApplicationsBody",
});

export const ReleaseSummary = Schema.Struct({
  releaseId: ReleaseId,
  application: ApplicationName,
  phase: ReleasePhase,
  since: Timestamp,
}).annotate({ identifier: "ReleaseSummary" });

export const ReleasesBody = Schema.Struct({ releases: Schema.Array(ReleaseSummary) }).annotate({
  identifier: "ReleasesBody",
});

/** One row of the audit record. */
export const RecordedEventBody = Schema.Struct({
  position: Count,
  recordedAt: Timestamp,
  accepted: Schema.Boolean,
  refusal: Schema.NullOr(Schema.Struct({ code: Schema.String, sentence: Schema.String })),
  hash: Schema.String,
  event: ReleaseEvent,
}).annotate({ identifier: "RecordedEventBody" });
export type RecordedEventBody = typeof RecordedEventBody.Type;

export const ReleaseBody = Schema.Struct({
  release: ReleaseSummary,
  /** Where the active release stands; null once it has ended. */
  active: ReleaseState.fields.active,
  events: Schema.Array(RecordedEventBody),
  /** Position to ask on from with `?after=`; null when these are the last events. */
  next: Schema.NullOr(Count),
}).annotate({ identifier: "ReleaseBody" });

export const ProgressBody = Schema.Struct({
  /** Of the release's present canary step; null outside the canary, and before the controller has looked. */
  progress: Schema.NullOr(CanaryProgress),
}).annotate({ identifier: "ProgressBody" });

const Row = Schema.Record(Schema.String, Schema.Json);
/** Rows of the documented ClickHouse views, by view. */
export const KpiBody = Schema.Struct({
  kpi_lead_time: Schema.Array(Row),
  kpi_overrides: Schema.Array(Row),
  kpi_rollbacks: Schema.Array(Row),
  kpi_shadow_regressions: Schema.Array(Row),
  kpi_gate_calibration: Schema.Array(Row),
  kpi_late_rollbacks: Schema.Array(Row),
  kpi_lead_time_by_team: Schema.Array(Row),
  kpi_rollbacks_by_team: Schema.Array(Row),
  kpi_shadow_regressions_by_team: Schema.Array(Row),
}).annotate({ identifier: "KpiBody" });

/** Which role may do what. One table, for the registry and for its description. */
export const permissions = {
  read: ["viewer", "ci", "operator", "approver", "admin"],
  request: ["ci", "operator", "approver", "admin"],
  register: ["operator", "admin"],
  operate: ["operator", "admin"],
  /** May report what it sees as a breach: that can only take users off a candidate. */
  report: ["ci", "operator", "admin"],
  /** Texts of users, redacted: for people who look into a release, and for no machine. */
  texts: ["operator", "approver", "admin"],
  override: ["approver", "admin"],
  administer: ["admin"],
} as const satisfies Record<string, ReadonlyArray<Role>>;
export type Permission = keyof typeof permissions;

/** Whose token this is, and what it may do: who shows a person actions shows no others. */
export const MeBody = Schema.Struct({
  id: AuthorId,
  role: Role,
  permissions: Schema.Array(Schema.Literals(Object.keys(permissions) as ReadonlyArray<Permission>)),
}).annotate({ identifier: "MeBody" });
