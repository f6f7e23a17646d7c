import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert, it } from "@effect/vitest";
import * as Context from "effect/Context";
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import * as Layer from "effect/Layer";
import * as Scope from "effect/Scope";
import { afterAll, beforeAll } from "vitest";
import { connect } from "./clickhouse/connection.ts";
import { layerClickHouse } from "./clickhouse-telemetry-store.ts";
import { type ClickHouseTestServer, clickHouseTestServer } from "./clickhouse-test-server.ts";
import { batchOf, observation } from "./contract/rows.fixture.ts";
import { telemetryStoreContract } from "./telemetry-store.contract.ts";
import { TelemetryStore } from "./telemetry-store.ts";

// `CLICKHOUSE_URL` names a server whose database may be emptied; else chDB answers behind the same interface.
const given = process.env.CLICKHOUSE_URL;
const path = mkdtempSync(join(tmpdir(), "sluice-clickhouse-"));
const scope = Effect.runSync(Scope.make());
let server: ClickHouseTestServer | undefined;
let store: TelemetryStore["Service"];
let empty: Effect.Effect<void>;

beforeAll(async () => {
  if (!given) server = await clickHouseTestServer(path);
  const url = given ?? server?.url ?? "";
  await Effect.runPromise(
    Effect.gen(function* () {
      const { writer } = yield* Scope.provide(connect({ url }), scope);
      store = Context.get(yield* Layer.buildWithScope(layerClickHouse({ url }), scope), TelemetryStore);
      empty = Effect.promise(async () => {
        const tables = ["observations", "observation_texts", "judgements", "release_events", "gateway_batches"];
        for (const table of [...tables, "shadow_pairs"]) await writer.command({ query: `TRUNCATE TABLE ${table}` });
      });
    }),
  );
});
afterAll(async () => {
  await Effect.runPromise(Scope.close(scope, Exit.void));
  await server?.close();
  rmSync(path, { recursive: true, force: true });
});

telemetryStoreContract("the telemetry store in ClickHouse over HTTP", () =>
  Layer.effect(
    TelemetryStore,
    Effect.suspend(() => Effect.as(empty, store)),
  ),
);

it.effect("an analyst's statement over HTTP can read with parameters, and change nothing", () =>
  Effect.gen(function* () {
    yield* empty;
    yield* store.insertObservations([batchOf([observation(1), observation(2, { arm: "candidate" })])]);
    const sql = "SELECT arm, count() AS n FROM observations WHERE arm = {arm:String} GROUP BY arm";
    assert.deepStrictEqual(yield* store.query(sql, { arm: "candidate" }), [{ arm: "candidate", n: 1 }]);
    assert.deepStrictEqual(yield* store.query("SELECT {text:String} AS text", { text: "a\\b\t'c'\n" }), [
      { text: "a\\b\t'c'\n" },
    ]);
    const refused = yield* Effect.flip(store.query("ALTER TABLE observations DELETE WHERE 1"));
    assert.match(refused.message, /readonly/i);
  }),
);

it.effect("a server that is not there is told in one sentence", () =>
  Effect.gen(function* () {
    const nowhere = Layer.build(layerClickHouse({ url: "http://127.0.0.1:1" }));
    const error = yield* Effect.flip(Effect.scoped(nowhere));
    assert.match(error.message, /ECONNREFUSED/);
    assert.notInclude(error.message, "\n");
  }),
);
