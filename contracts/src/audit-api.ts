import * as Schema from "effect/Schema";
import { BundleReference } from "./artifact.ts";
import { Hash, ReleasePassport } from "./passport.ts";
import { ApplicationName, Count, Ratio, ReleaseId, Timestamp } from "./primitives.ts";
import type { Route } from "./registry-api.ts";
import { ReleasePhase } from "./release-state.ts";

export const VerificationBody = Schema.Struct({
  rows: Count,
  /** Hash of the last row. */
  head: Schema.String,
  /** Root of the tree over all rows. */
  root: Schema.String,
  /** Rows that the last checkpoint which fits covers; 0 without one. */
  signed: Count,
  faults: Schema.Array(
    Schema.Struct({
      position: Count,
      kind: Schema.Literals(["changed", "missing", "inserted", "reordered"]),
      sentence: Schema.String,
    }),
  ),
}).annotate({ identifier: "VerificationBody" });

/** A row as it is kept, to the byte: what an export of the record holds, one a line. */
export const AuditRow = Schema.Struct({
  position: Count,
  /** Of the release log; −1 minus it for a dead letter. */
  partition: Schema.Int,
  offset: Count,
  application: Schema.String,
  sequence: Count,
  releaseId: Schema.NullOr(ReleaseId),
  eventId: Schema.String,
  type: Schema.String,
  /** Canonical JSON of the event. */
  payload: Schema.String,
  refusal: Schema.NullOr(Schema.Struct({ code: Schema.String, sentence: Schema.String })),
  recordedAt: Timestamp,
  previousHash: Hash,
  hash: Hash,
}).annotate({ identifier: "AuditRow" });
export type AuditRow = typeof AuditRow.Type;

export const AuditRowsBody = Schema.Struct({
  rows: Schema.Array(AuditRow),
  /** Position to ask on from with `?after=`; null when these are the last. */
  next: Schema.NullOr(Count),
}).annotate({ identifier: "AuditRowsBody" });

export const RECORD_FORMAT = "sluice-record/v1";

/** The first line of an export of the whole record: where it ends, and what was signed of it. */
export const RecordExportHead = Schema.Struct({
  format: Schema.Literal(RECORD_FORMAT),
  key: Schema.NullOr(Schema.String),
  head: Schema.Struct({ position: Count, hash: Hash }),
  /** Signed notes, smallest first. */
  checkpoints: Schema.Array(Schema.String),
}).annotate({ identifier: "RecordExportHead" });
export type RecordExportHead = typeof RecordExportHead.Type;

/** What users of an application were served at an instant. */
export const ServedAtBody = Schema.Struct({
  application: ApplicationName,
  at: Timestamp,
  /** Null before the application was registered. */
  baseline: Schema.NullOr(BundleReference),
  candidate: Schema.NullOr(
    Schema.Struct({
      releaseId: ReleaseId,
      bundle: BundleReference,
      phase: ReleasePhase,
      step: Schema.NullOr(Count),
      /** Share of users on the candidate. */
      share: Ratio,
    }),
  ),
  /** The last row of the record that this rests on; 0 without one. */
  position: Count,
}).annotate({ identifier: "ServedAtBody" });
export type ServedAtBody = typeof ServedAtBody.Type;

/** The part of the registry's surface that auditors use. */
export const auditRoutes = {
  verifyAudit: {
    method: "GET",
    path: "/v1/audit/verify",
    summary: "Check every row, the chains, the tree and what was signed of it",
    permission: "read",
    status: 200,
    response: VerificationBody,
  },
  getAuditKey: {
    method: "GET",
    path: "/v1/audit/key",
    summary: "The public key that checkpoints and attestations are signed with (C2SP verifier key)",
    permission: null,
    status: 200,
    response: "text/plain",
  },
  getCheckpoint: {
    method: "GET",
    path: "/v1/audit/checkpoint",
    summary: "A checkpoint of the record as it is now, as a signed note (C2SP)",
    permission: null,
    status: 200,
    response: "text/plain",
  },
  getRecordHead: {
    method: "GET",
    path: "/v1/audit/head",
    summary: "Where the record ends and what was signed of it: the first line of an export",
    permission: "read",
    status: 200,
    response: RecordExportHead,
  },
  getAuditRows: {
    method: "GET",
    path: "/v1/audit/rows",
    summary: "Rows of the record as they are kept, in pages",
    permission: "read",
    query: ["application", "after"],
    status: 200,
    response: AuditRowsBody,
  },
  getPassport: {
    method: "GET",
    path: "/v1/audit/releases/:releaseId/passport",
    summary: "All that is on record of one release, with signed attestations and proofs",
    permission: "read",
    query: ["application"],
    status: 200,
    response: ReleasePassport,
  },
  getServedAt: {
    method: "GET",
    path: "/v1/audit/at",
    summary: "What an application served at an instant",
    permission: "read",
    query: ["application", "at"],
    status: 200,
    response: ServedAtBody,
  },
} as const satisfies Record<string, Route>;
