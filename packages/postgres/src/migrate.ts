import { createHash } from "node:crypto";
import * as Effect from "effect/Effect";
import { type Database, DatabaseError } from "./database.ts";

export interface Migration {
  /** Unique over all packages, such as `event-store/1-events`; applied in the order given. */
  readonly name: string;
  readonly sql: string;
}

/** Any number no one else uses as an advisory lock: instances that start together migrate one after the other. */
export const MIGRATION_LOCK = 4_400_002;

/** Statements that give a role (its name is quoted) what it needs of the tables that were made. */
export type Grants = (role: string) => string;

/**
 * Brings the database forward: each migration is applied once, in one transaction with its record. There is no way back,
 * and an applied migration never changes; a new one is added instead. Where another role owns the tables
 * (`Database.owner`), that one migrates, and grants this one what it needs.
 */
export const migrate = (
  database: Database["Service"],
  migrations: ReadonlyArray<Migration>,
  grants: Grants = ordinaryGrants,
): Effect.Effect<void, DatabaseError> => {
  const { owner } = database;
  if (owner === null) return migrateAs(database, migrations, Effect.void);
  return Effect.flatMap(database.query<{ role: string }>("select quote_ident(current_user) as role"), ([found]) =>
    migrateAs(
      owner,
      migrations,
      owner.script(
        `grant usage on schema public to ${found?.role}; grant select on sluice_migrations to ${found?.role};
         ${grants(found?.role ?? "")}`,
      ),
    ),
  );
};

/** Whatever there is, but for the audit record, whose own grants come with it. */
const ordinaryGrants: Grants = (role) => `
  do $$ declare name text; begin
    for name in select quote_ident(tablename) from pg_tables
      where schemaname = 'public' and tablename not like 'audit\\_%' and tablename <> 'sluice_migrations'
    loop
      execute 'grant select, insert, update, delete on ' || name || ' to ${role}';
    end loop;
  end $$;`;

const migrateAs = (
  database: Database["Service"],
  migrations: ReadonlyArray<Migration>,
  afterwards: Effect.Effect<void, DatabaseError>,
): Effect.Effect<void, DatabaseError> =>
  database.transaction(
    Effect.gen(function* () {
      yield* database.query("select pg_advisory_xact_lock($1)", [MIGRATION_LOCK]);
      // Only where it is missing: a role that may not create tables can still see that there is nothing to do.
      const [known] = yield* database.query<{ there: boolean }>(
        "select to_regclass('sluice_migrations') is not null as there",
      );
      if (!known?.there)
        yield* database.script(`create table sluice_migrations (
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
      yield* afterwards;
    }),
  );
