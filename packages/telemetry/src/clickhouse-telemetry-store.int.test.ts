import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert, it } from "@effect/vitest";
import { type Observation, type ObservationsRecorded, timestampOf } from "@sluice/contracts";
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import * as Fiber from "effect/Fiber";
import * as Layer from "effect/Layer";
import * as Scope from "effect/Scope";
import { afterAll, beforeAll } from "vitest";
import type { Clients } from "./clickhouse/connection.ts";
import { rollupTiming } from "./clickhouse/minute-rollup.ts";
import { selectWindows } from "./clickhouse/select-windows.ts";
import { openClickHouse } from "./clickhouse-telemetry-store.ts";
import { batchOf, observation, pair, START } from "./contract/rows.fixture.ts";
import {
  completedRelease,
  freezes,
  overriddenRelease,
  regressedRelease,
  rolledBackRelease,
} from "./release-history.fixture.ts";
import { telemetryStoreContract } from "./telemetry-store.contract.ts";
import { type TelemetryError, TelemetryStore, type WindowRow } from "./telemetry-store.ts";

// One data directory a process: it is opened once, and emptied before each test.
const path = mkdtempSync(join(tmpdir(), "sluice-telemetry-"));
let scope = Effect.runSync(Scope.make());
let store: TelemetryStore["Service"];
let rollUp: Effect.Effect<void, TelemetryError>;
let clients: Clients;
let usableRollup: Effect.Success<ReturnType<typeof openClickHouse>>["usableRollup"];
let empty: Effect.Effect<void>;

// Here nothing is on its way while a pass runs, so nothing has to be waited for. Tables are emptied behind the store's back.
const atOnce = { lagMs: 0, lateMs: 0, settleMs: 0, quietMs: 0 };

const open = Effect.gen(function* () {
  const opened = yield* Scope.provide(openClickHouse({ path }, atOnce, false), scope);
  ({ store, rollUp, clients, usableRollup } = opened);
  const all = [
    "observations",
    "observation_texts",
    "judgements",
    "release_events",
    "gateway_batches",
    "shadow_pairs",
    "shadow_measurements",
  ];
  empty = Effect.promise(async () => {
    for (const table of [...all, "observations_by_minute", "rollup_bounds"])
      await clients.writer.command({ query: `TRUNCATE TABLE ${table}` });
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

/** Every insert is followed by a pass of the rollup, so that windows of whole minutes come from it. */
const rolled = Layer.effect(
  TelemetryStore,
  Effect.suspend(() => {
    const { insertObservations } = store;
    return Effect.as(empty, {
      ...store,
      insertObservations: (...given: Parameters<typeof insertObservations>) =>
        Effect.andThen(insertObservations(...given), rollUp),
    });
  }),
);
telemetryStoreContract("the telemetry store in ClickHouse, rolled up by minutes", () => rolled);

const hour = {
  application: "support-bot",
  releaseId: "rel-1",
  from: timestampOf(START),
  to: timestampOf(START + 3_600_000),
  windowSeconds: 60,
  unitsSince: timestampOf(START),
  conversationsSince: timestampOf(START),
};
const rawWindows = Effect.suspend(() => selectWindows(clients.reader, hour, 0));
const someHour = (count: number, changes: Parameters<typeof observation>[1] = {}) =>
  Array.from({ length: count }, (_, i) =>
    observation(((i * 7_919) % 36_000) / 10, {
      arm: i % 3 === 0 ? "candidate" : "baseline",
      latencyMs: 50 + ((i * 104_729) % 5_000),
      ...(i % 11 === 0 && { errorClass: "timeout", refused: null }),
      ...changes,
    }),
  );
/** Rolls until the rollup is what the windows come from: marks of the same millisecond still count for one pass. */
const rolledUp = Effect.gen(function* () {
  const scalar = (sql: string) => Effect.map(store.query(sql), ([row]) => Number(Object.values(row ?? {})[0]));
  do {
    yield* Effect.sleep(2);
    yield* rollUp;
  } while ((yield* scalar("SELECT maxIf(at, is_mark) >= maxIf(at, NOT is_mark) FROM rollup_bounds")) === 1);
});

it.live("windows from the rollup are those of the raw rows, and are read from the rollup", () =>
  Effect.gen(function* () {
    yield* empty;
    yield* store.insertObservations([batchOf(someHour(3_000))]);
    yield* rolledUp;
    const raw = yield* rawWindows;
    assert.deepStrictEqual(yield* store.windows(hour), raw);
    assert.strictEqual(
      raw.reduce((sum, { baseline, candidate }) => sum + baseline.requests + candidate.requests, 0),
      3_000,
    );
    yield* Effect.promise(() => clients.writer.command({ query: "TRUNCATE TABLE observations_by_minute" }));
    assert.strictEqual((yield* store.windows(hour))[5]?.baseline.requests, 0);
  }),
);

it.live("a late row counts at once, and a redelivered batch not at all", () =>
  Effect.gen(function* () {
    yield* empty;
    const batch = batchOf(someHour(600));
    yield* store.insertObservations([batch]);
    yield* rolledUp;
    const before = yield* store.windows(hour);
    yield* store.insertObservations([batch]);
    assert.deepStrictEqual(yield* store.windows(hour), before);
    yield* rolledUp;
    assert.deepStrictEqual(yield* store.windows(hour), before);
    yield* store.insertObservations([batchOf([observation(330)])]);
    const after = yield* store.windows(hour);
    assert.strictEqual(after[5]?.baseline.requests, (before[5]?.baseline.requests ?? 0) + 1);
    yield* rolledUp;
    assert.deepStrictEqual(yield* store.windows(hour), after);
  }),
);

it.live("who alone writes keeps the bound in mind, and it is the one in the table after whatever was written", () =>
  Effect.scoped(
    Effect.gen(function* () {
      yield* empty;
      const alone = yield* openClickHouse({ path }, atOnce);
      // Another one, without a memory of its own.
      const isTheOneInTheTable = Effect.gen(function* () {
        assert.strictEqual(yield* alone.usableRollup(hour), yield* usableRollup(hour));
        assert.deepStrictEqual(yield* alone.store.windows(hour), yield* rawWindows);
      });
      yield* alone.store.insertObservations([batchOf(someHour(60))]);
      yield* isTheOneInTheTable;
      for (const minute of [30, 7, 41]) {
        yield* Effect.sleep(2);
        yield* alone.rollUp;
        yield* isTheOneInTheTable;
        assert.isAbove(yield* alone.usableRollup(hour), START + 3_600_000);
        yield* Effect.sleep(2);
        yield* alone.store.insertObservations([batchOf([observation(minute * 60 + 1)])]);
        yield* isTheOneInTheTable;
        assert.strictEqual(yield* alone.usableRollup(hour), START + minute * 60_000);
      }
    }),
  ),
);

/** By the clock alone nothing that is tried with it would be rolled up, and nothing late. */
const slowly = { ...rollupTiming, lagMs: 3_600_000, lateMs: 3_600_000 };
/** Rows of the latest minute that is over. */
const justEnded = () => {
  const end = Math.floor(Date.now() / 60_000) * 60_000;
  const of = (gatewayId: string, through: number, observations: ReadonlyArray<Observation>): ObservationsRecorded => ({
    ...batchOf(observations),
    gatewayId,
    through: timestampOf(through),
  });
  const row = (id: string): Observation => ({
    ...observation(0),
    observationId: id,
    endedAt: timestampOf(end - 1_000),
  });
  const query = { ...hour, from: timestampOf(end - 300_000), to: timestampOf(end) };
  return { end, of, row, query: { ...query, unitsSince: query.from, conversationsSince: query.from } };
};
const rowsIn = (windows: ReadonlyArray<WindowRow>) => windows.at(-1)?.baseline.requests;

it.live("who alone writes rolls a minute up as soon as all gateways' watermarks have passed it", () =>
  Effect.scoped(
    Effect.gen(function* () {
      yield* empty;
      const alone = yield* openClickHouse({ path }, slowly);
      const { end, of, row, query } = justEnded();
      yield* alone.store.insertObservations([of("gw-1", end + 10, [row("1")]), of("gw-2", end - 10, [row("2")])]);
      yield* alone.rollUp;
      assert.isBelow(yield* alone.usableRollup(query), end, "while a gateway has not said so");
      yield* Effect.forkScoped(alone.keepRolledUp);
      yield* alone.store.insertObservations([of("gw-2", end + 10, [])]);
      while ((yield* alone.usableRollup(query)) < end) yield* Effect.sleep(5);
      assert.strictEqual(rowsIn(yield* alone.store.windows(query)), 2);

      yield* alone.store.insertObservations([of("gw-1", end + 20, [row("3")])]);
      assert.strictEqual(yield* usableRollup(query), end - 60_000, "a row that comes now is late");
      assert.strictEqual(rowsIn(yield* alone.store.windows(query)), 3);
    }),
  ),
);

it.live("no minute is rolled up while rows of it are on their way", () =>
  Effect.scoped(
    Effect.gen(function* () {
      yield* empty;
      const alone = yield* openClickHouse({ path }, slowly);
      const { end, of, row, query } = justEnded();
      yield* alone.store.insertObservations([of("gw-2", end + 10, [])]);
      const rows = Array.from({ length: 6_000 }, (_, i) => row(String(i)));
      const inserting = yield* Effect.forkScoped(alone.store.insertObservations([of("gw-1", end, rows)]), {
        startImmediately: true,
      });
      yield* alone.rollUp;
      assert.isBelow(yield* alone.usableRollup(query), end);
      yield* Fiber.join(inserting);
      assert.strictEqual(rowsIn(yield* alone.store.windows(query)), rows.length);
      yield* alone.rollUp;
      assert.strictEqual(yield* alone.usableRollup(query), end);
      assert.strictEqual(rowsIn(yield* alone.store.windows(query)), rows.length);
    }),
  ),
);

it.live("analysts read percentiles from the rollup, within 1 % of the raw rows'", () =>
  Effect.gen(function* () {
    yield* empty;
    yield* store.insertObservations([batchOf(someHour(2_000, { arm: "baseline", errorClass: null, refused: false }))]);
    yield* rolledUp;
    const levels = "0.5, 0.95, 0.99";
    const [rolledRow] = yield* store.query(
      `SELECT quantilesDDMerge(0.01, ${levels})(latency_state) AS ms FROM observations_by_minute FINAL`,
    );
    const [exact] = yield* store.query(`SELECT quantilesExact(${levels})(latency_ms) AS ms FROM observations FINAL`);
    const [estimated, wanted] = [rolledRow?.ms, exact?.ms] as [Array<number>, Array<number>];
    for (const [i, ms] of wanted.entries()) assert.closeTo((estimated[i] ?? 0) / ms, 1, 0.012, `quantile ${i}`);
    const minutes = yield* store.query("SELECT latency_ms_p50_p95_p99 AS ms, requests FROM observation_minutes");
    assert.strictEqual(minutes.length, 60);
    for (const { ms } of minutes) assert.isTrue((ms as Array<number>).every((one) => one >= 49 && one <= 5_100));
  }),
);

it.effect("sampled text is kept apart from its observation, once, and only for its time", () =>
  Effect.gen(function* () {
    yield* empty;
    const payload = { input: "question", output: "answer" };
    const batch = batchOf([observation(1, { payload }), observation(2)]);
    for (const _ of ["delivered", "delivered again"])
      yield* store.insertObservations([batch], { partition: 3, offset: 41 });
    assert.deepStrictEqual(
      yield* store.query(`SELECT input, output FROM observation_texts FINAL JOIN (SELECT * FROM observations FINAL) AS o
        USING (application, release_id, ended_at, observation_id, cluster_key)`),
      [payload],
    );
    const stored = JSON.stringify(yield* store.query("SELECT * FROM observations"));
    for (const text of Object.values(payload)) assert.notInclude(stored, text);
    const [table] = yield* store.query(
      "SELECT create_table_query AS sql FROM system.tables WHERE name = 'observation_texts'",
    );
    assert.match(String(table?.sql), / TTL toDateTime\(ended_at\) \+ toIntervalDay\(30\)/);
    assert.deepInclude((yield* store.query("SELECT * FROM ingest_watermarks"))[0], { topic_partition: 3, offset: 41 });
  }),
);

it.live("what requests cost is kept, and added up by minutes where it is known", () =>
  Effect.gen(function* () {
    yield* empty;
    const priced = [0.001, 0.002].map((costUsd, i) => observation(i, { costUsd }));
    yield* store.insertObservations([batchOf([...priced, observation(3, { costUsd: null }), observation(4)])]);
    assert.deepStrictEqual(yield* store.query("SELECT cost_usd FROM observations FINAL ORDER BY ended_at"), [
      { cost_usd: 0.001 },
      { cost_usd: 0.002 },
      { cost_usd: null },
      { cost_usd: null },
    ]);
    yield* rolledUp;
    assert.deepStrictEqual(yield* store.query("SELECT requests, priced, cost_usd FROM observation_minutes"), [
      { requests: 4, priced: 2, cost_usd: 0.003 },
    ]);
  }),
);

it.effect("of a mirrored request the figures of both answers are kept, once, and none of its text", () =>
  Effect.gen(function* () {
    yield* empty;
    const { candidate } = pair("1", 1);
    const pairs = [
      pair("1", 1, { candidate: { ...candidate, errorClass: "timeout" }, textsKept: false }),
      pair("2", 2, {
        candidate: { ...candidate, costUsd: 0.25 },
        toolDivergence: { turn: 2, call: 0, kind: "other-tool" },
      }),
    ];
    yield* store.insertPairs(pairs);
    yield* store.insertPairs(pairs);
    assert.deepStrictEqual(
      yield* store.query(`SELECT pair_id, baseline_latency_ms, candidate_error_class, candidate_cost_usd,
        tool_divergence, tool_divergence_turn, tool_divergence_call FROM shadow_measurements FINAL ORDER BY pair_id`),
      [
        {
          pair_id: "1",
          baseline_latency_ms: 500.25,
          candidate_error_class: "timeout",
          candidate_cost_usd: null,
          tool_divergence: "",
          tool_divergence_turn: null,
          tool_divergence_call: null,
        },
        {
          pair_id: "2",
          baseline_latency_ms: 500.25,
          candidate_error_class: "",
          candidate_cost_usd: 0.25,
          tool_divergence: "other-tool",
          tool_divergence_turn: 2,
          tool_divergence_call: 0,
        },
      ],
    );
    const stored = JSON.stringify(yield* store.query("SELECT * FROM shadow_measurements"));
    for (const text of ["question", "old", "new"]) assert.notInclude(stored, text);
  }),
);

it.effect("texts that a version before kept beside the figures are moved on opening, and are no columns any more", () =>
  Effect.gen(function* () {
    yield* empty;
    yield* store.insertObservations([batchOf([observation(1, { payload: { input: "kept", output: "" } })])]);
    yield* store.insertObservations([batchOf([observation(2), observation(3), observation(4)])]);
    const ask = (query: string) => Effect.promise(() => clients.writer.command({ query }));
    const column = "String TTL toDateTime(ended_at) + INTERVAL 30 DAY";
    yield* ask(`ALTER TABLE observations ADD COLUMN input ${column}, ADD COLUMN output ${column}`);
    const insert = "INSERT INTO observations (observation_id, cluster_key, ended_at, input, output) VALUES";
    yield* ask(`${insert} ('beside', 'ada', now64(3), 'question', 'answer'), ('figures', 'ada', now64(3), '', ''),
      ('expired', 'ada', now64(3) - INTERVAL 31 DAY, 'of long ago', '')`);
    for (const _ of ["opened", "opened again"]) {
      yield* close;
      scope = yield* Scope.make();
      yield* open;
      assert.deepStrictEqual(yield* store.query("SELECT input, output FROM observation_texts ORDER BY ended_at"), [
        { input: "kept", output: "" },
        { input: "question", output: "answer" },
      ]);
      const stored = JSON.stringify(yield* store.query("SELECT * FROM observations"));
      for (const text of ["question", "answer", "of long ago"]) assert.notInclude(stored, text);
      assert.deepStrictEqual(yield* store.query("SELECT toUInt32(count()) AS n FROM observations"), [{ n: 7 }]);
      const refused = yield* Effect.flip(store.query("SELECT input FROM observations"));
      assert.match(refused.message, /Unknown.*input|UNKNOWN_IDENTIFIER/);
    }
  }),
);

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
    const accepted = [completedRelease, freezes, overriddenRelease, rolledBackRelease, regressedRelease]
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
        // Merged at minute 0, completed at minute 200: 60 min of shadow, 30 + 20 (skipped) of holds, 15 of pause and 10 more of a freeze.
        gross_p50_s: 12_000,
        gross_p95_s: 12_000,
        net_of_holds_p50_s: 12_000 - 3_600 - 1_800 - 1_200,
        net_of_holds_p95_s: 12_000 - 3_600 - 1_800 - 1_200,
        net_of_pauses_p50_s: 12_000 - 1_500,
        net_of_pauses_p95_s: 12_000 - 1_500,
      },
    ]);
    assert.deepStrictEqual(yield* store.query("SELECT * FROM kpi_overrides"), [
      { team: "growth", month, releases: 1, overridden: 1, rate: 1 },
      { team: "support", month, releases: 3, overridden: 0, rate: 0 },
    ]);
    // By team the same releases, under whoever requested them.
    for (const [view, rows] of [
      ["kpi_lead_time", 1],
      ["kpi_rollbacks", 1],
      ["kpi_shadow_regressions", 1],
    ] as const) {
      const [byApplication] = yield* store.query(`SELECT * EXCEPT application FROM ${view}`);
      const byTeam = yield* store.query(`SELECT * EXCEPT team FROM ${view}_by_team WHERE team = 'support'`);
      assert.strictEqual(byTeam.length, rows, view);
      if (view !== "kpi_rollbacks") assert.deepStrictEqual(byTeam[0], byApplication, view);
    }
    const canaries = yield* store.query("SELECT team, canaries, rolled_back FROM kpi_rollbacks_by_team ORDER BY team");
    assert.strictEqual(
      canaries.reduce((sum, row) => sum + Number(row.canaries), 0),
      2,
    );
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

it.effect("a window query counts every row of an hour that came in blocks larger than one insert", () =>
  Effect.gen(function* () {
    yield* empty;
    for (let block = 0; block < 4; block++) {
      const rows = Array.from({ length: 5_000 }, (_, i) => observation((block * 5_000 + i) * 0.18));
      yield* store.insertObservations([batchOf(rows)]);
    }
    const windows = yield* store.windows(hour);
    assert.strictEqual(
      windows.reduce((sum, window) => sum + window.baseline.requests, 0),
      20_000,
    );
  }),
);
