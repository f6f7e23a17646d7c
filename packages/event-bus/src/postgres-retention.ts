import type { Topic } from "@sluice/contracts";
import type { Database, DatabaseError } from "@sluice/postgres";
import * as Effect from "effect/Effect";

type Db = Database["Service"];

export type RetainedTopic = Pick<Topic<never>, "name" | "retention" | "partitions">;

/** Rows looked at in one statement, so that pruning never holds the database for long. */
const CHUNK = 5_000;

/** Deletes what the topic's retention no longer asks for; the number of rows deleted. */
export const prune = (db: Db, topic: RetainedTopic): Effect.Effect<number, DatabaseError> => {
  if (topic.retention === "forever") return Effect.succeed(0);
  if (topic.retention === "compacted") return compact(db, topic.name);
  const { days } = topic.retention;
  const parts = Array.from({ length: topic.partitions }, (_, part) => part);
  return Effect.map(
    Effect.forEach(parts, (part) => pruneOlder(db, topic.name, part, days)),
    (deleted) => deleted.reduce((sum, n) => sum + n, 0),
  );
};

/** Keeps the last record of each key. */
const compact = (db: Db, topic: string) =>
  Effect.map(
    db.query<{ n: number }>(
      `with deleted as (
         delete from bus_record r
         using (select part, key, max("offset") as keep from bus_record where topic = $1 group by part, key) as newest
         where r.topic = $1 and r.part = newest.part and r.key = newest.key and r."offset" < newest.keep
         returning 1)
       select count(*) as n from deleted`,
      [topic],
    ),
    (rows) => rows[0]?.n ?? 0,
  );

/** Oldest first by offset: no index on time is needed, and what is deleted is always a beginning of the partition. */
const pruneOlder = Effect.fnUntraced(function* (db: Db, topic: string, part: number, days: number) {
  let total = 0;
  for (;;) {
    const rows = yield* db.query<{ n: number }>(
      `with oldest as (
         select "offset", at from bus_record where topic = $1 and part = $2 order by "offset" limit ${CHUNK}),
       deleted as (
         delete from bus_record r using oldest
         where r.topic = $1 and r.part = $2 and r."offset" = oldest."offset"
           and oldest.at < now() - make_interval(secs => $3::float8)
         returning 1)
       select count(*) as n from deleted`,
      [topic, part, days * 86_400],
    );
    const deleted = rows[0]?.n ?? 0;
    total += deleted;
    if (deleted < CHUNK) return total;
  }
});

/** An embedded database has no autovacuum: without this, deleted rows would never give their space back. */
export const reclaimSpace = (db: Db): Effect.Effect<void, DatabaseError> =>
  db.embedded ? db.script("vacuum bus_record") : Effect.void;
