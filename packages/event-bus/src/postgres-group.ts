import type { Database, DatabaseError } from "@sluice/postgres";
import * as Effect from "effect/Effect";

type Db = Database["Service"];

/** A partition of a topic as a group reads it, and the member that may. */
export interface GroupPartition {
  readonly group: string;
  readonly topic: string;
  readonly part: number;
  /** Identifies one subscription, not a process. */
  readonly owner: string;
}

/** A member that does not renew for this long is taken for dead, and its partitions go to others. */
export const LEASE_SECONDS = 10;

/**
 * Takes the partition if nobody holds it; the offset to go on from, or null. An embedded database has one process, which
 * gives its leases back when it ends and takes all back when it starts: they need no renewal.
 */
export const claim = (db: Db, at: GroupPartition): Effect.Effect<number | null, DatabaseError> =>
  Effect.map(
    db.query<{ next_offset: number }>(
      `insert into bus_group as held (grp, topic, part, owner, lease_until) values ($1, $2, $3, $4, ${leaseEnd(db)})
       on conflict (grp, topic, part) do update set owner = excluded.owner, lease_until = excluded.lease_until
       where held.owner is null or held.owner = excluded.owner or held.lease_until < now()
       returning next_offset`,
      [at.group, at.topic, at.part, at.owner],
    ),
    (rows) => rows[0]?.next_offset ?? null,
  );

const leaseEnd = (db: Db) => (db.embedded ? "'infinity'::timestamptz" : `now() + interval '${LEASE_SECONDS} seconds'`);

/** False when the partition went to another member meanwhile: nothing was committed. */
export const commit = (db: Db, at: GroupPartition, nextOffset: number): Effect.Effect<boolean, DatabaseError> =>
  Effect.map(
    db.query(
      `update bus_group set next_offset = $5, lease_until = ${leaseEnd(db)}
       where grp = $1 and topic = $2 and part = $3 and owner = $4 returning part`,
      [at.group, at.topic, at.part, at.owner, nextOffset],
    ),
    (rows) => rows.length > 0,
  );

/** Renews the leases of all these owners at once; tells which of them still hold something. */
export const renew = (db: Db, owners: ReadonlyArray<string>): Effect.Effect<ReadonlySet<string>, DatabaseError> =>
  Effect.map(
    db.query<{ owner: string }>(
      `update bus_group set lease_until = ${leaseEnd(db)} where owner = any($1::text[]) returning owner`,
      [owners],
    ),
    (rows) => new Set(rows.map((row) => row.owner)),
  );

export const release = (db: Db, owner: string): Effect.Effect<unknown, DatabaseError> =>
  db.query("update bus_group set owner = null where owner = $1", [owner]);

/** After a start: whatever held leases on an embedded database is gone. */
export const releaseAll = (db: Db): Effect.Effect<unknown, DatabaseError> =>
  db.query("update bus_group set owner = null where owner is not null");

/** Records that each group has not handled yet, by topic. */
export const lags = (
  db: Db,
): Effect.Effect<
  ReadonlyArray<{ readonly grp: string; readonly topic: string; readonly lag: number }>,
  DatabaseError
> =>
  db.query(
    `select grp, topic, sum(p.next_offset - g.next_offset)::bigint as lag
     from bus_group g join bus_partition p using (topic, part) group by grp, topic`,
  );
