import * as Schema from "effect/Schema";
import { ApplicationName, Count, Digest, ReleaseId } from "./primitives.ts";

/** 64 lower-case hex digits: a hash of the record's chain and tree. */
export const Hash = Schema.String.check(Schema.isPattern(/^[0-9a-f]{64}$/u, { expected: "64 hex digits" })).annotate({
  identifier: "Hash",
});

/** A DSSE envelope; here always with an in-toto statement. */
export const DsseEnvelope = Schema.Struct({
  payloadType: Schema.String,
  /** Base64 of the statement. */
  payload: Schema.String,
  signatures: Schema.Array(Schema.Struct({ keyid: Schema.String, sig: Schema.String })),
}).annotate({ identifier: "DsseEnvelope" });
export type DsseEnvelope = typeof DsseEnvelope.Type;

export const PassportRow = Schema.Struct({
  /** Canonical JSON of the row without its payload: its bytes are the leaf of the tree. */
  leaf: Schema.String,
  /** Canonical JSON of the event, whose sha256 the leaf carries; null for rows of the application's other releases. */
  payload: Schema.NullOr(Schema.String),
  /** Hashes from the leaf to the root of the checkpoint; null where only the chain proves the row. */
  inclusion: Schema.NullOr(Schema.Array(Hash)),
}).annotate({ identifier: "PassportRow" });
export type PassportRow = typeof PassportRow.Type;

export const PASSPORT_FORMAT = "sluice-release-passport/v1";

/** All that is on record of one release, and what proves it; docs/audit.md says how to check it. */
export const ReleasePassport = Schema.Struct({
  format: Schema.Literal(PASSPORT_FORMAT),
  application: ApplicationName,
  releaseId: ReleaseId,
  /** The public key that the registry signs with. To believe it, compare it with one that you had before. */
  key: Schema.String,
  /** Signed note: so many rows, and the root of their tree. */
  checkpoint: Schema.String,
  /** A checkpoint from before the release's first row, and the hashes that show that nothing before it was changed since. */
  earlier: Schema.NullOr(Schema.Struct({ checkpoint: Schema.String, consistency: Schema.Array(Hash) })),
  /** Every row of the application from the release's first to its last: none is left out. */
  rows: Schema.Array(PassportRow),
  /** What the release's events name by address. */
  artifacts: Schema.Array(Schema.Struct({ role: Schema.String, digest: Digest, position: Count })),
  attestations: Schema.Array(DsseEnvelope),
}).annotate({ identifier: "ReleasePassport", description: "All that is on record of one release, with its proofs." });
export type ReleasePassport = typeof ReleasePassport.Type;
