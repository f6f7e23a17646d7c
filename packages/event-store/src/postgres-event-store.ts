import type { Timestamp } from "@sluice/contracts";
import { Database, type DatabaseError, migrate } from "@sluice/postgres";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import { chainOnto, emptyHead, type Head, type Last, subjectOf } from "./chain.ts";
import {
  EventStore,
  EventStoreError,
  type KeptCheckpoint,
  type ReadOptions,
  type RecordEnd,
  type RecordedEvent,
  type StoredEvent,
} from "./event-store.ts";
import { APPEND_LOCK, eventStoreGrants, eventStoreMigrations } from "./event-store-migrations.ts";
import { freshRecords, type KnownEvent } from "./fresh-records.ts";
import { MAX_HASHES, MAX_READ, MAX_READ_BYTES } from "./read-limit.ts";

type Db = Database["Service"];

interface Row {
  readonly fields: string;
  readonly payload: string;
}

/**
 * All of a row but its payload, as one JSON text: drivers, and the embedded database's above all, take longer for fourteen
 * fields than both sides take for this.
 */
const columns = `json_build_array(position, partition, "offset", application, sequence, release_id, event_id, type,
  refusal_code, refusal_sentence, recorded_at, previous_hash, hash)::text as fields, payload`;

type Fields = readonly [
  position: number,
  partition: number,
  offset: number,
  application: string,
  sequence: number,
  releaseId: string | null,
  eventId: string,
  type: string,
  refusalCode: string | null,
  refusalSentence: string | null,
  recordedAt: string,
  previousHash: string,
  hash: string,
];

const storedOf = ({ fields, payload }: Row): StoredEvent => {
  const [position, partition, offset, application, sequence, releaseId, eventId, type, code, sentence, ...rest] =
    JSON.parse(fields) as Fields;
  const [recordedAt, previousHash, hash] = rest;
  const refusal = code !== null && sentence !== null ? { code, sentence } : null;
  return {
    position,
    partition,
    offset,
    application,
    sequence,
    releaseId,
    eventId,
    type,
    payload,
    refusal,
    recordedAt,
    previousHash,
    hash,
  };
};

/** Appenders take turns by one lock, so that two registries make one record. A role without updates may take it. */
const lockHead = (db: Db): Effect.Effect<Head, DatabaseError> =>
  Effect.andThen(
    db.query("select pg_advisory_xact_lock($1)", [APPEND_LOCK]),
    Effect.map(db.query<Head>("select position, hash from audit_head"), ([head]) => head ?? emptyHead),
  );

const knownOf = (db: Db, records: ReadonlyArray<RecordedEvent>) =>
  db.query<KnownEvent>(
    `select partition, "offset", event_id as "eventId", payload from audit_events
     where (partition, "offset") in (select p, o from unnest($1::int[], $2::bigint[]) as u(p, o))`,
    [records.map((record) => record.partition), records.map((record) => record.offset)],
  );

/** The last row of each application that the records are about. */
const lastRows = (db: Db, records: ReadonlyArray<RecordedEvent>) =>
  Effect.map(
    db.query<Last & { application: string }>(
      `select name as application, last.sequence, last.hash from unnest($1::text[]) as u(name)
       cross join lateral (
         select sequence, hash from audit_events where application = name order by sequence desc limit 1) as last`,
      [[...new Set(records.map(({ event }) => subjectOf(event).application))]],
    ),
    (rows) => new Map(rows.map((row) => [row.application, row])),
  );

const insert = (db: Db, rows: ReadonlyArray<StoredEvent>) =>
  db.query(
    `insert into audit_events (position, partition, "offset", application, sequence, release_id, event_id, type, payload,
       refusal_code, refusal_sentence, recorded_at, previous_hash, hash)
     select * from unnest($1::bigint[], $2::int[], $3::bigint[], $4::text[], $5::bigint[], $6::text[], $7::text[],
       $8::text[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[])`,
    [
      rows.map((row) => row.position),
      rows.map((row) => row.partition),
      rows.map((row) => row.offset),
      rows.map((row) => row.application),
      rows.map((row) => row.sequence),
      rows.map((row) => row.releaseId),
      rows.map((row) => row.eventId),
      rows.map((row) => row.type),
      rows.map((row) => row.payload),
      rows.map((row) => row.refusal?.code ?? null),
      rows.map((row) => row.refusal?.sentence ?? null),
      rows.map((row) => row.recordedAt),
      rows.map((row) => row.previousHash),
      rows.map((row) => row.hash),
    ],
  );

const append = (db: Db, records: ReadonlyArray<RecordedEvent>, recordedAt: Timestamp) =>
  db.transaction(
    Effect.gen(function* () {
      const head = yield* lockHead(db);
      const fresh = yield* Effect.mapError(
        Effect.fromResult(freshRecords(yield* knownOf(db, records), records)),
        (message) => new EventStoreError({ operation: "append", message }),
      );
      if (fresh.length === 0) return [];
      const lasts = yield* lastRows(
        db,
        fresh.map(({ record }) => record),
      );
      const rows = chainOnto(head, lasts, fresh, recordedAt);
      yield* insert(db, rows);
      return rows;
    }),
  );

/** The rows that meet the condition, as far as a page goes: in bytes at most one row beyond the limit. */
const pageOf = (condition: string, limit: string): string =>
  `select ${columns} from (
     select *, sum(octet_length(payload)) over (order by position) - octet_length(payload) as bytes_before
     from (select * from audit_events where ${condition} order by position limit ${limit}) as next
   ) as counted where bytes_before < ${MAX_READ_BYTES} order by position`;

const read = (db: Db, { application, releaseId, after = 0, limit }: ReadOptions) => {
  const parameters: Array<unknown> = [after, Math.min(limit, MAX_READ)];
  const where = ["position > $1"];
  if (application !== undefined) where.push(`application = $${parameters.push(application)}`);
  if (releaseId !== undefined) where.push(`release_id = $${parameters.push(releaseId)}`);
  return Effect.map(db.query<Row>(pageOf(where.join(" and "), "$2"), parameters), (rows) => rows.map(storedOf));
};

/** One statement, one snapshot: a row appended between two reads would look like one that somebody put in. */
const endOf = (db: Db) =>
  Effect.map(
    db.query<RecordEnd>(
      `select coalesce(head.position, $1::bigint) as position, coalesce(head.hash, $2) as hash, coalesce(rows.last, 0) as last
       from (select max(position) as last from audit_events) as rows left join audit_head as head on true`,
      [emptyHead.position, emptyHead.hash],
    ),
    ([end]) => end ?? { ...emptyHead, last: 0 },
  );

const hashes = (db: Db, { after, limit }: { readonly after: number; readonly limit: number }) =>
  Effect.map(
    db.query<{ hash: string }>("select hash from audit_events where position > $1 order by position limit $2", [
      after,
      Math.min(limit, MAX_HASHES),
    ]),
    (rows) => rows.map(({ hash }) => hash),
  );

const keepCheckpoint = (db: Db, { size, note, signedAt }: KeptCheckpoint) =>
  db.query("insert into audit_checkpoints (size, note, signed_at) values ($1, $2, $3) on conflict do nothing", [
    size,
    note,
    signedAt,
  ]);

const failure = (operation: EventStoreError["operation"]) => (error: DatabaseError | EventStoreError) =>
  error._tag === "EventStoreError" ? error : new EventStoreError({ operation, message: error.message });

const make = Effect.gen(function* () {
  const db = yield* Database;
  yield* migrate(db, eventStoreMigrations, eventStoreGrants);
  return EventStore.of({
    append: (records, recordedAt) => Effect.mapError(append(db, records, recordedAt), failure("append")),
    end: Effect.mapError(
      Effect.map(db.query<Head>("select position, hash from audit_head"), ([head]) => head?.position ?? 0),
      failure("read"),
    ),
    head: Effect.mapError(endOf(db), failure("read")),
    read: (options) => Effect.mapError(read(db, options), failure("read")),
    hashes: (options) => Effect.mapError(hashes(db, options), failure("read")),
    keepCheckpoint: (checkpoint) => Effect.asVoid(Effect.mapError(keepCheckpoint(db, checkpoint), failure("append"))),
    checkpoints: Effect.mapError(
      db.query<KeptCheckpoint>(`select size, note, signed_at as "signedAt" from audit_checkpoints order by size, note`),
      failure("read"),
    ),
  });
});

/** The audit record in a table of the shared database, which refuses every change of it. */
export const layerPostgres: Layer.Layer<EventStore, DatabaseError, Database> = Layer.effect(EventStore, make);
