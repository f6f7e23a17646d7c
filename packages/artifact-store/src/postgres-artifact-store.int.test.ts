import { assert, layer } from "@effect/vitest";
import { Database, layerPGlite } from "@sluice/postgres";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import { ArtifactStore } from "./artifact-store.ts";
import { artifactStoreContract } from "./artifact-store-contract.ts";
import { layerPostgres } from "./postgres-artifact-store.ts";

const stores = Layer.provideMerge(layerPostgres, layerPGlite({ directory: null }));

artifactStoreContract("artifacts on PGlite", stores);

layer(stores, { timeout: 30_000 })("the artifact table", (it) => {
  it.effect("refuses changes, and damaged bytes are never handed out", () =>
    Effect.gen(function* () {
      const db = yield* Database;
      const artifacts = yield* ArtifactStore;
      const digest = yield* artifacts.put("evidence");
      const damage = db.query("update artifact_chunks set content = 'forged'::bytea where digest = $1", [digest]);
      assert.match((yield* Effect.flip(damage)).message, /^artifact sha256:.* is immutable/);
      yield* db.script("alter table artifact_chunks disable trigger all");
      yield* damage;
      assert.match((yield* Effect.flip(artifacts.get(digest))).message, /is damaged in the store/);
    }),
  );
});
