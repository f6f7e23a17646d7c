import { digestOfBytes } from "@sluice/contracts";
import { Database, type DatabaseError, type Migration, migrate } from "@sluice/postgres";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import * as Option from "effect/Option";
import { ArtifactStore, ArtifactStoreError } from "./artifact-store.ts";
import { contentOf } from "./content.ts";

/** Immutable by the database: an artifact may be deleted (retention), but what a digest names never changes. */
const migrations: ReadonlyArray<Migration> = [
  {
    name: "artifact-store/1-artifacts",
    sql: `
      create table artifacts (
        digest text primary key, content bytea not null, stored_at timestamptz not null default now());
      create function refuse_artifact_change() returns trigger language plpgsql as $$ begin
        raise exception 'artifact % is immutable: store the changed one under its own digest', old.digest
          using errcode = '55000';
      end $$;
      create trigger artifacts_immutable before update on artifacts
        for each row execute function refuse_artifact_change();`,
  },
];

const failure = (operation: ArtifactStoreError["operation"]) => (error: DatabaseError) =>
  new ArtifactStoreError({ operation, message: error.message });

const make = Effect.gen(function* () {
  const db = yield* Database;
  yield* migrate(db, migrations);

  const put = Effect.fn("ArtifactStore.put")(function* (content: string | Uint8Array) {
    const bytes = yield* contentOf(content);
    const digest = digestOfBytes(bytes);
    yield* Effect.mapError(
      Effect.gen(function* () {
        // Most artifacts are put again and again: asking first saves sending them into the database.
        const known = yield* db.query("select 1 from artifacts where digest = $1", [digest]);
        if (known.length === 0)
          yield* db.query("insert into artifacts (digest, content) values ($1, $2) on conflict do nothing", [
            digest,
            bytes,
          ]);
      }),
      failure("put"),
    );
    return digest;
  });

  const get = Effect.fn("ArtifactStore.get")(function* (digest: string) {
    const [row] = yield* Effect.mapError(
      db.query<{ content: Uint8Array }>("select content from artifacts where digest = $1", [digest]),
      failure("get"),
    );
    if (!row) return Option.none<Uint8Array>();
    // Evidence is decided on: bytes that are not what their address says must never be handed out.
    const found = digestOfBytes(row.content);
    if (found !== digest)
      return yield* new ArtifactStoreError({
        operation: "get",
        message: `artifact ${digest} is damaged in the store: its bytes have digest ${found}`,
      });
    return Option.some(row.content);
  });

  return ArtifactStore.of({ put, get });
});

/** Artifacts in a table of the shared database. */
export const layerPostgres: Layer.Layer<ArtifactStore, DatabaseError, Database> = Layer.effect(ArtifactStore, make);
