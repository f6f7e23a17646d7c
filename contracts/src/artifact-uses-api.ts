import * as Schema from "effect/Schema";
import { BundleReference } from "./artifact.ts";
import { ApplicationName, Count, Digest, ReleaseId, Timestamp } from "./primitives.ts";
import type { Route } from "./registry-api.ts";
import { ReleasePhase } from "./release-state.ts";

/** From when users met it, and until when; null: they still do. */
const Served = Schema.NullOr(Schema.Struct({ from: Timestamp, until: Schema.NullOr(Timestamp) }));

/** One time that a bundle was meant for an application's users. */
export const BundleUse = Schema.Struct({
  application: ApplicationName,
  /** `registered`: served before Sluice released anything. `rollback`: an operator went back to it. */
  cause: Schema.Literals(["registered", "release", "rollback"]),
  releaseId: Schema.NullOr(ReleaseId),
  /** Of its release as it is now; null without a release. */
  phase: Schema.NullOr(ReleasePhase),
  bundle: BundleReference,
  at: Timestamp,
  /** By some users, in the canary; null: by none. */
  asCandidate: Served,
  /** By all users; null: never. */
  asBaseline: Served,
}).annotate({ identifier: "BundleUse" });
export type BundleUse = typeof BundleUse.Type;

/** Another artifact of the same kind in the same application. */
export const ArtifactVersion = Schema.Struct({
  digest: Digest,
  application: ApplicationName,
  releaseId: Schema.NullOr(ReleaseId),
  at: Timestamp,
}).annotate({ identifier: "ArtifactVersion" });
export type ArtifactVersion = typeof ArtifactVersion.Type;

/** Each list is complete up to its 1,000 latest; the totals say how many there are. */
export const ArtifactUsesBody = Schema.Struct({
  uses: Schema.Array(BundleUse),
  usesTotal: Count,
  /** Which part of those bundles it is; null where it is a bundle itself, or in none. */
  kind: Schema.NullOr(Schema.Literals(["prompt", "model", "retrieval-index", "tool-schema"])),
  versions: Schema.Array(ArtifactVersion),
  versionsTotal: Count,
}).annotate({ identifier: "ArtifactUsesBody" });
export type ArtifactUsesBody = typeof ArtifactUsesBody.Type;

export const artifactUseRoutes = {
  getArtifactUses: {
    method: "GET",
    path: "/v1/artifacts/:digest/uses",
    summary: "Where a bundle, or an artifact as a part of bundles, ran and when, the latest first",
    permission: "read",
    status: 200,
    response: ArtifactUsesBody,
  },
} as const satisfies Record<string, Route>;
