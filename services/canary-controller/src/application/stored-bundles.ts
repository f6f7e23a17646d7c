import { ArtifactStore } from "@sluice/artifact-store";
import { Bundle, type BundleReference, type Digest } from "@sluice/contracts";
import * as Effect from "effect/Effect";
import * as Option from "effect/Option";
import * as Schema from "effect/Schema";

/** An artifact of a bundle is not there, or is no artifact: the bundle cannot be served. */
export class BundleUnavailable extends Schema.TaggedError<BundleUnavailable>()("BundleUnavailable", {
  message: Schema.String,
}) {}

/** Bundles kept in memory: two per application and their predecessors. */
const KEPT = 256;

const decodeBundle = Schema.decodeUnknownEffect(Bundle);

/** Reads bundles' contents by the digests of their parts. They are immutable, so each is read once. */
export const storedBundles = Effect.fn("storedBundles")(function* () {
  const store = yield* ArtifactStore;
  const known = new Map<Digest, Bundle>();

  const part = Effect.fnUntraced(function* (kind: string, digest: Digest) {
    const bytes = yield* store.get(digest);
    if (Option.isNone(bytes))
      return yield* new BundleUnavailable({ message: `the ${kind} ${digest} is not in the artifact store` });
    return yield* Effect.try({
      try: (): unknown => JSON.parse(new TextDecoder().decode(bytes.value)),
      catch: () => new BundleUnavailable({ message: `the ${kind} ${digest} is not JSON` }),
    });
  });

  return Effect.fnUntraced(function* ({ digest, artifacts }: BundleReference) {
    const cached = known.get(digest);
    if (cached) return cached;
    const parts = yield* Effect.forEach(Object.entries(artifacts), ([kind, address]) =>
      Effect.map(part(kind, address), (content) => [kind, content] as const),
    );
    const bundle = yield* decodeBundle(Object.fromEntries(parts)).pipe(
      Effect.mapError(
        (error) => new BundleUnavailable({ message: `bundle ${digest} cannot be read: ${error.message}` }),
      ),
    );
    if (known.size >= KEPT) known.delete(known.keys().next().value ?? "");
    known.set(digest, bundle);
    return bundle;
  });
});
