import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert, it } from "@effect/vitest";
import { timestampOf } from "@sluice/contracts";
import * as Context from "effect/Context";
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import * as Layer from "effect/Layer";
import * as Scope from "effect/Scope";
import { afterAll, beforeAll } from "vitest";
import { connect } from "./clickhouse/connection.ts";
import { layerClickHouse } from "./clickhouse-telemetry-store.ts";
import { completedRelease, overriddenRelease, regressedRelease, rolledBackRelease } from "./release-history.fixture.ts";
import { batchOf, observation, START, telemetryStoreContract } from "./telemetry-store.contract.ts";
import { TelemetryStore } from "./telemetry-store.ts";

// One data directory a process: it is opened once, and emptied before each test.
const path = mkdtempSync(join(tmpdir(), "sluice-telemetry-"));
let scope = Effect.runSync(Scope.make());
let store: TelemetryStore["Service"];
let empty: Effect.Effect<void>;

const open = Effect.gen(function* () {
  const { writer } = yield* Scope.provide(connect({ path }), scope);
  store = Context.get(yield* Layer.buildWithScope(layerClickHouse({ path }), scope), TelemetryStore);
  empty = Effect.promise(async () => {
    for (const table of ["observations", "judgements", "release_events", "gateway_batches"])
      await writer.command({ query: `TRUNCATE TABLE ${table}` });
  });
});
const close = Effect.suspend(() => Scope.close(scope, Exit.void));

beforeAll(() => Effect.runPromise(open));
afterAll(async () => {
  await Effect.runPromise(close);
  rmSync(path, { recursive: true, force: true });
});

const layer = Layer.effect(
  TelemetryStore,
  Effect.suspend(() => Effect.as(empty, store)),
);
telemetryStoreContract("the telemetry store in ClickHouse (embedded)", () => layer);

it.effect("what was acknowledged is there after closing and opening again", () =>
  Effect.gen(function* () {
    yield* empty;
    yield* store.insertObservations([batchOf([observation(1)])]);
    yield* close;
    scope = yield* Scope.make();
    yield* open;
    const rows = yield* store.query("SELECT count() AS n FROM observations FINAL");
    assert.deepStrictEqual(rows, [{ n: 1 }]);
  }),
);

it.effect("an analyst's statement can read with parameters, and change nothing", () =>
  Effect.gen(function* () {
    yield* empty;
    yield* store.insertObservations([batchOf([observation(1), observation(2, { arm: "candidate" })])]);
    const sql = "SELECT arm, count() AS n FROM observations WHERE arm = {arm:String} GROUP BY arm";
    assert.deepStrictEqual(yield* store.query(sql, { arm: "candidate" }), [{ arm: "candidate", n: 1 }]);
    const refused = yield* Effect.flip(store.query("ALTER TABLE observations DELETE WHERE 1"));
    assert.match(refused.message, /readonly/i);
    const lifted = yield* Effect.flip(store.query("SELECT 1 SETTINGS readonly = 0"));
    assert.match(lifted.message, /readonly/i);
    assert.deepStrictEqual(yield* store.query("SELECT count() AS n FROM observations"), [{ n: 2 }]);
  }),
);

it.effect("the KPI views count what the release events say", () =>
  Effect.gen(function* () {
    yield* empty;
    const accepted = [completedRelease, overriddenRelease, rolledBackRelease, regressedRelease]
      .flat()
      .map((event) => ({ event, accepted: true }));
    const refused = rolledBackRelease.map((event) => ({ event, accepted: false }));
    yield* store.insertReleaseEvents([...accepted, ...refused]);
    yield* store.insertReleaseEvents(accepted);

    const month = "2026-01-01";
    assert.deepStrictEqual(yield* store.query("SELECT * FROM kpi_lead_time"), [
      {
        application: "support-bot",
        month,
        releases: 1,
        // Merged at minute 0, completed at minute 200: 60 min of shadow, 30 + 20 (skipped) of holds, 15 of pause.
        gross_p50_s: 12_000,
        gross_p95_s: 12_000,
        net_of_holds_p50_s: 12_000 - 3_600 - 1_800 - 1_200,
        net_of_holds_p95_s: 12_000 - 3_600 - 1_800 - 1_200,
        net_of_pauses_p50_s: 12_000 - 900,
        net_of_pauses_p95_s: 12_000 - 900,
      },
    ]);
    assert.deepStrictEqual(yield* store.query("SELECT * FROM kpi_overrides"), [
      { team: "growth", month, releases: 1, overridden: 1, rate: 1 },
      { team: "support", month, releases: 3, overridden: 0, rate: 0 },
    ]);
    const [rollbacks] = yield* store.query("SELECT * FROM kpi_rollbacks");
    assert.deepStrictEqual(rollbacks, {
      application: "support-bot",
      month,
      canaries: 2,
      breached: 1,
      rolled_back: 1,
      rate: 0.5,
      since_to_detected_p50_s: 120,
      detected_to_pinned_p50_s: 1.5,
      detected_to_confirmed_p50_s: 2,
      detected_to_confirmed_p95_s: 2,
      since_to_confirmed_p50_s: 122,
      since_to_confirmed_p95_s: 122,
    });
    assert.deepStrictEqual(yield* store.query("SELECT * FROM kpi_shadow_regressions"), [
      { application: "support-bot", quarter: month, passed: 2, regressed: 1, inconclusive: 0 },
    ]);
  }),
);

it.effect(
  "a window query reads an hour of 20,000 observations, in blocks larger than one insert, in bounded time",
  () =>
    Effect.gen(function* () {
      yield* empty;
      for (let block = 0; block < 4; block++) {
        const rows = Array.from({ length: 5_000 }, (_, i) => observation((block * 5_000 + i) * 0.18));
        yield* store.insertObservations([batchOf(rows)]);
      }
      const before = performance.now();
      const windows = yield* store.windows({
        application: "support-bot",
        releaseId: "rel-1",
        from: timestampOf(START),
        to: timestampOf(START + 3_600_000),
        windowSeconds: 60,
        unitsSince: timestampOf(START),
        conversationsSince: timestampOf(START),
      });
      const elapsedMs = performance.now() - before;
      assert.strictEqual(
        windows.reduce((sum, window) => sum + window.baseline.requests, 0),
        20_000,
      );
      assert.isBelow(elapsedMs, 2_000);
    }),
);
