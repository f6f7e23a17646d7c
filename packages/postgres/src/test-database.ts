import * as Effect from "effect/Effect";
import type * as Scope from "effect/Scope";
import pg from "pg";
import { afterAll } from "vitest";
import { testServer } from "./test-server.ts";

// One server for each file of tests that imports this, ended with it.
const server = await testServer();
if (!("skipped" in server)) afterAll(server.remove);

/** Why suites on a real server are skipped; null when there is one. */
export const noServer: string | null = "skipped" in server ? server.skipped : null;

let databases = 0;

/** A database of its own on the test server, dropped with the scope. */
export const testDatabase: Effect.Effect<string, never, Scope.Scope> = Effect.suspend(() => {
  if ("skipped" in server) return Effect.die(new Error(server.skipped));
  const name = `sluice_test_${process.pid}_${Date.now()}_${++databases}`;
  const url = new URL(server.url);
  url.pathname = `/${name}`;
  return Effect.acquireRelease(Effect.as(administer(server.url, `create database ${name}`), url.href), () =>
    administer(server.url, `drop database ${name} with (force)`),
  );
});

const administer = (url: string, statement: string) =>
  Effect.promise(async () => {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    await client.query(statement);
    await client.end();
  });
