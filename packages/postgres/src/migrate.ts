import { createHash } from "node:crypto";
import * as Effect from "effect/Effect";
import { type Database, DatabaseError } from "./database.ts";

export interface Migration {
  /** Unique over all packages, such as `event-store/1-events`; applied in the order given. */
  readonly name: string;
  readonly sql: string;
}

/** Any number no one else uses as an advisory lock: instances that start together migrate one after the other. */
const LOCK = 4_400_002;

/**
 * Brings the database forward: each migration is applied once, in one transaction with its record. There is no way back,
 * and an applied migration never changes; a new one is added instead.
 */
export const migrate = (
  database: Database["Service"],
  migrations: ReadonlyArray<Migration>,
): Effect.Effect<void, DatabaseError> =>
  database.transaction(
    Effect.gen(function* () {
      yield* database.query("select pg_advisory_xact_lock($1)", [LOCK]);
      yield* database.script(`create table if not exists sluice_migrations (
        name text primary key, digest text not null, applied_at timestamptz not null default now())`);
      const rows = yield* database.query<{ name: string; digest: string }>(
        "select name, digest from sluice_migrations",
      );
      const applied = new Map(rows.map((row) => [row.name, row.digest]));
      for (const { name, sql } of migrations) {
        const digest = createHash("sha256").update(sql).digest("hex");
        const before = applied.get(name);
        if (before === digest) continue;
        if (before !== undefined)
          return yield* new DatabaseError({
            operation: "migrate",
            sqlState: null,
            message: `migration ${name} was applied with another text: add a new migration instead of changing one`,
          });
        yield* database.script(sql);
        yield* database.query("insert into sluice_migrations (name, digest) values ($1, $2)", [name, digest]);
      }
    }),
  );
