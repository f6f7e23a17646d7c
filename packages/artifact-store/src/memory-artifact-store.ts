import { type Digest, digestOfBytes } from "@sluice/contracts";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import * as Option from "effect/Option";
import { ArtifactStore } from "./artifact-store.ts";
import { contentOf } from "./content.ts";

/** In memory, for tests; kept honest by the contract suite. */
export const layerMemory: Layer.Layer<ArtifactStore> = Layer.sync(ArtifactStore, () => {
  const artifacts = new Map<Digest, Uint8Array>();
  return ArtifactStore.of({
    put: (content) =>
      Effect.map(contentOf(content), (bytes) => {
        const digest = digestOfBytes(bytes);
        // A copy: what the caller does to its buffer afterwards must not reach the store.
        if (!artifacts.has(digest)) artifacts.set(digest, Uint8Array.from(bytes));
        return digest;
      }),
    has: (digest) => Effect.sync(() => artifacts.has(digest)),
    remove: (digest) => Effect.sync(() => artifacts.delete(digest)),
    get: (digest) =>
      Effect.sync(() => Option.map(Option.fromNullishOr(artifacts.get(digest)), (b) => Uint8Array.from(b))),
  });
});
