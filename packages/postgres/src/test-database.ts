import * as Effect from "effect/Effect";
import type * as Scope from "effect/Scope";
import pg from "pg";

/** Why suites on a real server are skipped; null when there is one. */
export const noServer: string | null = process.env.DATABASE_URL
  ? null
  : "no DATABASE_URL (a Postgres server on which databases may be created)";

let databases = 0;

/** A database of its own on the server of `DATABASE_URL`, dropped with the scope. For tests. */
export const testDatabase: Effect.Effect<string, never, Scope.Scope> = Effect.suspend(() => {
  const server = process.env.DATABASE_URL ?? "";
  const name = `sluice_test_${process.pid}_${Date.now()}_${++databases}`;
  const url = new URL(server);
  url.pathname = `/${name}`;
  return Effect.acquireRelease(Effect.as(administer(server, `create database ${name}`), url.href), () =>
    administer(server, `drop database ${name} with (force)`),
  );
});

const administer = (server: string, statement: string) =>
  Effect.promise(async () => {
    const client = new pg.Client({ connectionString: server });
    await client.connect();
    await client.query(statement);
    await client.end();
  });
