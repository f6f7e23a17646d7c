import { Database, layerPg } from "@sluice/postgres";
import { testServer } from "@sluice/postgres/test-server";
import * as Effect from "effect/Effect";
import { type Measured, measure } from "./record.ts";

// `pnpm bench:audit [sizes] [stores]`, such as `pnpm bench:audit 10000,100000 server,pglite`: how fast the record grows, is
// verified and is read. The server is DATABASE_URL, else one that is started for this.

const [sizes = "10000,100000", stores = "server,pglite"] = process.argv.slice(2);

const columns: ReadonlyArray<readonly [string, (measured: Measured) => string]> = [
  ["store", ({ store }) => store],
  ["events", ({ events }) => events.toLocaleString("en")],
  ["bytes/event", ({ bytes }) => bytes.toFixed(0)],
  ["append/s", ({ appendPerSecond }) => appendPerSecond.toFixed(0)],
  ["append/s at the end", ({ appendPerSecondAtEnd }) => appendPerSecondAtEnd.toFixed(0)],
  ["verify, s", ({ verifySeconds }) => verifySeconds.toFixed(1)],
  ["tree, s", ({ treeSeconds }) => treeSeconds.toFixed(1)],
  ["states, s", ({ statesSeconds }) => statesSeconds.toFixed(1)],
  ["all read models, s", ({ rebuildSeconds }) => rebuildSeconds.toFixed(1)],
  ["page p50, ms", ({ pageP50Ms }) => pageP50Ms.toFixed(2)],
  ["page p99, ms", ({ pageP99Ms }) => pageP99Ms.toFixed(2)],
];

console.log(`| ${columns.map(([title]) => title).join(" | ")} |\n|${"---|".repeat(columns.length)}`);

const server = stores.includes("server") ? await testServer() : null;
if (server && "skipped" in server) throw new Error(server.skipped);

const emptyDatabase = async (name: string): Promise<string> => {
  const url = new URL(server?.url ?? "");
  const create = Effect.flatMap(Database, (db) =>
    Effect.andThen(db.script(`drop database if exists ${name}`), db.script(`create database ${name}`)),
  );
  await Effect.runPromise(Effect.provide(create, layerPg({ connectionString: url.href })));
  url.pathname = `/${name}`;
  return url.href;
};

for (const store of stores.split(","))
  for (const size of sizes.split(",").map(Number)) {
    const url = store === "server" ? await emptyDatabase(`sluice_bench_${size}`) : null;
    const measured = await measure({ name: store, url }, size);
    console.log(`| ${columns.map(([, show]) => show(measured)).join(" | ")} |`);
  }
await server?.remove();
