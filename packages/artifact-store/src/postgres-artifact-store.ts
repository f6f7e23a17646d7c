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
        digest text primary key, chunks int not null, stored_at timestamptz not null default now());
      create table artifact_chunks (digest text not null, n int not null, content bytea not null, primary key (digest, n));
      create function refuse_artifact_change() returns trigger language plpgsql as $$ begin
        raise exception 'artifact % is immutable: store the changed one under its own digest', old.digest
          using errcode = '55000';
      end $$;
      create trigger artifacts_immutable before update on artifacts
        for each row execute function refuse_artifact_change();
      create trigger artifact_chunks_immutable before update on artifact_chunks
        for each row execute function refuse_artifact_change();`,
  },
];

/** Content goes in pieces of this size: an embedded database blocks its process while it takes one (near 20 ms). */
const CHUNK_BYTES = 512 * 1_024;

const failure = (operation: ArtifactStoreError["operation"]) => (error: DatabaseError) =>
  new ArtifactStoreError({ operation, message: error.message });

type Db = Database["Service"];

const isStored = (db: Db, digest: string) =>
  Effect.map(db.query("select 1 from artifacts where digest = $1", [digest]), (rows) => rows.length > 0);

/**
 * The artifact's own row comes last and makes it visible, so that no long transaction keeps others out; pieces left by a
 * stop in between are the right ones for the next attempt. Base64 because drivers take ten times as long for bytea.
 */
const store = Effect.fnUntraced(function* (db: Db, digest: string, bytes: Uint8Array) {
  // Most artifacts are put again and again: asking first saves sending them into the database.
  if (yield* isStored(db, digest)) return;
  const chunks = Math.max(1, Math.ceil(bytes.byteLength / CHUNK_BYTES));
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let n = 0; n < chunks; n++)
    yield* db.query("insert into artifact_chunks values ($1, $2, decode($3, 'base64')) on conflict do nothing", [
      digest,
      n,
      view.subarray(n * CHUNK_BYTES, (n + 1) * CHUNK_BYTES).toString("base64"),
    ]);
  yield* db.query("insert into artifacts (digest, chunks) values ($1, $2) on conflict do nothing", [digest, chunks]);
});

const load = Effect.fnUntraced(function* (db: Db, digest: string) {
  const [row] = yield* db.query<{ chunks: number }>("select chunks from artifacts where digest = $1", [digest]);
  if (!row) return null;
  const parts: Array<Buffer> = [];
  for (let n = 0; n < row.chunks; n++) {
    const [chunk] = yield* db.query<{ content: string }>(
      "select encode(content, 'base64') as content from artifact_chunks where digest = $1 and n = $2",
      [digest, n],
    );
    parts.push(Buffer.from(chunk?.content ?? "", "base64"));
  }
  return Buffer.concat(parts);
});

/** Its own row first: what is half removed is not there. The pieces go also where an earlier stop left only them. */
const remove = (db: Db, digest: string) =>
  Effect.map(
    Effect.tap(db.query("delete from artifacts where digest = $1 returning 1", [digest]), () =>
      db.query("delete from artifact_chunks where digest = $1", [digest]),
    ),
    (rows) => rows.length > 0,
  );

const make = Effect.gen(function* () {
  const db = yield* Database;
  yield* migrate(db, migrations);

  const put = Effect.fn("ArtifactStore.put")(function* (content: string | Uint8Array) {
    const bytes = yield* contentOf(content);
    const digest = digestOfBytes(bytes);
    yield* Effect.mapError(store(db, digest, bytes), failure("put"));
    return digest;
  });

  const get = Effect.fn("ArtifactStore.get")(function* (digest: string) {
    const bytes = yield* Effect.mapError(load(db, digest), failure("get"));
    if (bytes === null) return Option.none<Uint8Array>();
    // Evidence is decided on: bytes that are not what their address says must never be handed out.
    const found = digestOfBytes(bytes);
    if (found !== digest)
      return yield* new ArtifactStoreError({
        operation: "get",
        message: `artifact ${digest} is damaged in the store: its bytes have digest ${found}`,
      });
    return Option.some<Uint8Array>(bytes);
  });

  const has = (digest: string) => Effect.mapError(isStored(db, digest), failure("get"));

  return ArtifactStore.of({
    put,
    has,
    get,
    remove: (digest) => Effect.mapError(remove(db, digest), failure("remove")),
  });
});

/** Artifacts in a table of the shared database. */
export const layerPostgres: Layer.Layer<ArtifactStore, DatabaseError, Database> = Layer.effect(ArtifactStore, make);
