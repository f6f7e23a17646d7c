import { assert, layer } from "@effect/vitest";
import { digestOfBytes } from "@sluice/contracts";
import * as Effect from "effect/Effect";
import type * as Layer from "effect/Layer";
import * as Option from "effect/Option";
import { ArtifactStore, MAX_ARTIFACT_BYTES } from "./artifact-store.ts";

/** What every artifact store promises. */
export const artifactStoreContract = (name: string, store: Layer.Layer<ArtifactStore, unknown>): void =>
  layer(store, { timeout: 30_000 })(name, (it) => {
    it.effect("gives back the same bytes under their digest", () =>
      Effect.gen(function* () {
        const artifacts = yield* ArtifactStore;
        const bytes = Uint8Array.from({ length: 3_000_000 }, (_, i) => (i * 31) % 256);
        const digest = yield* artifacts.put(bytes);
        assert.strictEqual(digest, digestOfBytes(bytes));
        assert.isTrue(yield* artifacts.has(digest));
        const found = Option.getOrThrow(yield* artifacts.get(digest));
        assert.strictEqual(Buffer.compare(found, bytes), 0);
      }),
    );

    it.effect("takes a text as its UTF-8, and the same one again as the same artifact", () =>
      Effect.gen(function* () {
        const artifacts = yield* ArtifactStore;
        const digest = yield* artifacts.put("grüße \u0000 🧪");
        assert.strictEqual(yield* artifacts.put(Buffer.from("grüße \u0000 🧪")), digest);
        const found = Option.getOrThrow(yield* artifacts.get(digest));
        assert.strictEqual(Buffer.from(found).toString("utf8"), "grüße \u0000 🧪");
      }),
    );

    it.effect("is not reached by later changes of the caller's buffer", () =>
      Effect.gen(function* () {
        const artifacts = yield* ArtifactStore;
        const buffer = Buffer.from("before");
        const digest = yield* artifacts.put(buffer);
        buffer.write("after!");
        assert.strictEqual(Buffer.from(Option.getOrThrow(yield* artifacts.get(digest))).toString(), "before");
      }),
    );

    it.effect("removes an artifact, which may then be put again", () =>
      Effect.gen(function* () {
        const artifacts = yield* ArtifactStore;
        const bytes = Uint8Array.from({ length: 1_200_000 }, (_, i) => (i * 7) % 251);
        const [digest, other] = [yield* artifacts.put(bytes), yield* artifacts.put("another")];
        assert.isTrue(yield* artifacts.remove(digest));
        assert.isFalse(yield* artifacts.remove(digest));
        assert.isFalse(yield* artifacts.has(digest));
        assert.isTrue(Option.isNone(yield* artifacts.get(digest)));
        assert.isTrue(yield* artifacts.has(other));
        assert.strictEqual(yield* artifacts.put(bytes), digest);
        assert.strictEqual(Buffer.compare(Option.getOrThrow(yield* artifacts.get(digest)), bytes), 0);
      }),
    );

    it.effect("knows what it has not, and refuses what is too large", () =>
      Effect.gen(function* () {
        const artifacts = yield* ArtifactStore;
        assert.isTrue(Option.isNone(yield* artifacts.get(digestOfBytes("never stored"))));
        assert.isFalse(yield* artifacts.has(digestOfBytes("never stored")));
        const refused = yield* Effect.flip(artifacts.put(new Uint8Array(MAX_ARTIFACT_BYTES + 1)));
        assert.match(refused.message, /^the artifact has 67108865 bytes, more than 67108864/);
      }),
    );
  });
