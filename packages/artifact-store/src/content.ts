import * as Effect from "effect/Effect";
import { ArtifactStoreError, MAX_ARTIFACT_BYTES } from "./artifact-store.ts";

/** The bytes to store, or the refusal of what is too large. */
export const contentOf = (content: string | Uint8Array): Effect.Effect<Uint8Array, ArtifactStoreError> => {
  const bytes = typeof content === "string" ? Buffer.from(content, "utf8") : content;
  return bytes.byteLength <= MAX_ARTIFACT_BYTES
    ? Effect.succeed(bytes)
    : Effect.fail(
        new ArtifactStoreError({
          operation: "put",
          message: `the artifact has ${bytes.byteLength} bytes, more than ${MAX_ARTIFACT_BYTES}: split it or leave out the texts`,
        }),
      );
};
