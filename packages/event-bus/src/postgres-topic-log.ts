import type { Database, DatabaseError, Migration } from "@sluice/postgres";
import * as Effect from "effect/Effect";
import type { StoredRecord } from "./dead-letter.ts";
import { BATCH_BYTES, BATCH_LIMIT } from "./delivery.ts";
import { partitionOf } from "./partition-of.ts";
import type { LogRecord } from "./record.ts";

/** Channel of the hints; the payload is `topic:partition,partition`. */
export const BUS_CHANNEL = "sluice_bus";

/**
 * The row lock on a partition's counter makes offsets gap-free and in commit order, which an identity column does not:
 * a reader at offset n has seen all below n. Partitions are locked in ascending order, so that publishers cannot
 * deadlock. Values are text, byte for byte what was published.
 */
export const topicLogMigrations: ReadonlyArray<Migration> = [
  {
    name: "event-bus/1-topic-log",
    sql: `
      create table bus_partition (
        topic text not null, part int not null, next_offset bigint not null default 0, primary key (topic, part));
      create table bus_record (
        topic text not null, part int not null, "offset" bigint not null,
        key text not null, headers text not null, value text not null, at timestamptz not null default now(),
        primary key (topic, part, "offset"));
      create table bus_group (
        grp text not null, topic text not null, part int not null, next_offset bigint not null default 0,
        owner text, lease_until timestamptz, primary key (grp, topic, part));
      create table bus_buried (
        topic text not null, part int not null, "offset" bigint not null, primary key (topic, part, "offset"));

      create function bus_append(to_topic text, parts int[], keys text[], headers text[], contents text[])
      returns void language plpgsql as $$
      declare
        target record;
        base bigint;
      begin
        for target in select p, count(*) as n from unnest(parts) as u(p) group by p order by p loop
          update bus_partition set next_offset = next_offset + target.n
            where topic = to_topic and part = target.p returning next_offset - target.n into base;
          if base is null then
            raise exception 'topic % has no partition %', to_topic, target.p using errcode = 'P0002';
          end if;
          insert into bus_record (topic, part, "offset", key, headers, value)
            select to_topic, r.p, base + row_number() over (order by r.ord) - 1, r.k, r.h, r.c
            from unnest(parts, keys, headers, contents) with ordinality as r(p, k, h, c, ord)
            where r.p = target.p;
        end loop;
        perform pg_notify('${BUS_CHANNEL}', to_topic || ':' ||
          (select string_agg(distinct p::text, ',') from unnest(parts) as u(p)));
      end $$;`,
  },
];

export interface PartitionEnd {
  readonly topic: string;
  readonly part: number;
  readonly next_offset: number;
}

type Db = Database["Service"];

export const createTopic = (db: Db, topic: string, partitions: number): Effect.Effect<unknown, DatabaseError> =>
  db.query(
    "insert into bus_partition (topic, part) select $1, generate_series(0, $2::int - 1) on conflict do nothing",
    [topic, partitions],
  );

/** All of `records` in one statement, so that all or none are published. */
export const append = (
  db: Db,
  topic: string,
  partitions: number,
  records: ReadonlyArray<LogRecord>,
): Effect.Effect<unknown, DatabaseError> =>
  db.query("select bus_append($1, $2::int[], $3::text[], $4::text[], $5::text[])", [
    topic,
    records.map((record) => partitionOf(record.key, partitions)),
    records.map((record) => record.key),
    records.map((record) => JSON.stringify(record.headers)),
    records.map((record) => record.value),
  ]);

interface RecordRow {
  readonly part: number;
  readonly offset: number;
  readonly key: string;
  readonly headers: string;
  readonly value: string;
}

/** The next records of one partition: at most `BATCH_LIMIT`, and at most one beyond `BATCH_BYTES`. */
export const readBatch = (
  db: Db,
  topic: string,
  part: number,
  from: number,
): Effect.Effect<ReadonlyArray<StoredRecord>, DatabaseError> =>
  Effect.map(
    db.query<RecordRow>(
      `select part, "offset", key, headers, value from (
         select *, sum(octet_length(value)) over (order by "offset") - octet_length(value) as bytes_before from (
           select part, "offset", key, headers, value from bus_record
           where topic = $1 and part = $2 and "offset" >= $3 order by "offset" limit ${BATCH_LIMIT}) as next
       ) as counted where bytes_before < ${BATCH_BYTES} order by "offset"`,
      [topic, part, from],
    ),
    (rows) => rows.map(({ part: partition, headers, ...row }) => ({ ...row, partition, headers: JSON.parse(headers) })),
  );

/** Where the partitions of some topics end: the offset that the next record will have. */
export const ends = (
  db: Db,
  topics: ReadonlyArray<string>,
): Effect.Effect<ReadonlyArray<PartitionEnd>, DatabaseError> =>
  db.query<PartitionEnd>(
    "select topic, part, next_offset from bus_partition where topic = any($1::text[]) order by topic, part",
    [topics],
  );

/** Remembers that a record was buried; true the first time only. */
export const markBuried = (db: Db, topic: string, record: StoredRecord): Effect.Effect<boolean, DatabaseError> =>
  Effect.map(
    db.query(`insert into bus_buried values ($1, $2, $3) on conflict do nothing returning "offset"`, [
      topic,
      record.partition,
      record.offset,
    ]),
    (rows) => rows.length > 0,
  );
