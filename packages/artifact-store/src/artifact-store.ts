import type { Digest } from "@sluice/contracts";
import * as Context from "effect/Context";
import type * as Effect from "effect/Effect";
import type * as Option from "effect/Option";
import * as Schema from "effect/Schema";

export class ArtifactStoreError extends Schema.TaggedError<ArtifactStoreError>()("ArtifactStoreError", {
  operation: Schema.Literals(["put", "get", "remove"]),
  message: Schema.String,
}) {}

/** Content-addressed, immutable, deduplicated bytes. JSON artifacts are stored as their canonical JSON. */
export class ArtifactStore extends Context.Service<
  ArtifactStore,
  {
    /** The digest is that of the bytes (a string's UTF-8). Putting the same bytes again changes nothing. */
    readonly put: (content: string | Uint8Array) => Effect.Effect<Digest, ArtifactStoreError>;
    readonly has: (digest: Digest) => Effect.Effect<boolean, ArtifactStoreError>;
    /** Whether it was there. It may be put again: that it must not is for whoever had it removed to say. */
    readonly remove: (digest: Digest) => Effect.Effect<boolean, ArtifactStoreError>;
    readonly get: (digest: Digest) => Effect.Effect<Option.Option<Uint8Array>, ArtifactStoreError>;
  }
>()("@sluice/ArtifactStore") {}

/** Larger artifacts are refused: evidence of 100,000 cases is near 20 MB. */
export const MAX_ARTIFACT_BYTES = 64 * 1_024 * 1_024;
