import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert, layer } from "@effect/vitest";
import type { ReleaseEvent } from "@sluice/contracts";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import { afterAll } from "vitest";
import { calibrationViews } from "./clickhouse/calibration-views.ts";
import { kpiViews } from "./clickhouse/kpi-views.ts";
import { layerClickHouse } from "./clickhouse-telemetry-store.ts";
import { completedRelease, overriddenRelease, regressedRelease, rolledBackRelease } from "./release-history.fixture.ts";
import { TelemetryStore } from "./telemetry-store.ts";

const folder = mkdtempSync(join(tmpdir(), "sluice-analytics-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const read = (path: string) => readFileSync(new URL(`../../../${path}`, import.meta.url), "utf8");
const page = read("docs/analytics.md");

const author = { id: "olga", role: "operator" } as const;
const digest = (character: string) => `sha256:${character.repeat(64)}`;
const application = "support-bot";
/** The bundle that was blocked and overridden is the one that was completed later; then it was rolled back. */
const later: ReadonlyArray<ReleaseEvent> = [
  {
    _tag: "ApplicationRegistered",
    eventId: "evt-registered",
    application,
    at: "2026-01-01T00:00:00.000Z",
    baseline: { digest: digest("a"), artifacts: { prompt: digest("a"), model: digest("a") } },
    author,
  },
  {
    _tag: "ReleaseCompleted",
    eventId: "evt-overridden-completed",
    application,
    releaseId: "rel-overridden",
    at: "2026-01-06T00:00:00.000Z",
    baseline: digest("b"),
  },
  {
    _tag: "BaselineRolledBack",
    eventId: "evt-back",
    application,
    at: "2026-01-06T01:00:00.000Z",
    author,
    reason: "complaints",
    to: digest("a"),
  },
];
const filled = Layer.effectDiscard(
  Effect.gen(function* () {
    const store = yield* TelemetryStore;
    const events = [completedRelease, overriddenRelease, rolledBackRelease, regressedRelease, later].flat();
    yield* store.insertReleaseEvents(events.map((event) => ({ event, accepted: true })));
  }),
);
const stores = Layer.provideMerge(filled, layerClickHouse({ path: join(folder, "clickhouse") }));
const ask = (sql: string) =>
  Effect.flatMap(TelemetryStore, (store) =>
    Effect.map(
      store.answer({ sql, format: "JSONEachRow", parameters: {}, outputSettings: {}, team: null }),
      ({ bytes }) =>
        Buffer.from(bytes)
          .toString("utf8")
          .split("\n")
          .filter((line) => line !== "")
          .map((line) => JSON.parse(line) as Record<string, unknown>),
    ),
  );

layer(stores, { timeout: 60_000 })("the page for analysts", (it) => {
  const queries = [...page.matchAll(/```sql\n([\s\S]*?)```/gu)].map(([, sql = ""]) => sql);
  it.effect("has queries that all run, and find something where releases alone can tell", () =>
    Effect.gen(function* () {
      assert.isAtLeast(queries.length, 9);
      for (const sql of queries) {
        const rows = yield* ask(sql);
        if (!/FROM (?:observation|judgements|shadow_measurements)/u.test(sql)) assert.isNotEmpty(rows, sql);
      }
    }),
  );

  it.effect("names every view, and every column of the two that calibrate", () =>
    Effect.gen(function* () {
      for (const statement of [...kpiViews, ...calibrationViews]) {
        const view = statement.match(/VIEW (\w+)/u)?.[1] ?? "";
        assert.include(page, `\`${view}\``);
      }
      const month = "2026-01-01";
      assert.deepStrictEqual(yield* ask("SELECT * FROM kpi_gate_calibration"), [
        { application, month, blocked: 1, released_unchanged: 1, released_by_override: 1, rate: 1 },
      ]);
      assert.deepStrictEqual(yield* ask("SELECT * FROM kpi_late_rollbacks"), [
        { application, month, completed: 2, rolled_back_later: 1, rate: 0.5, until_rollback_p50_s: 3_600 },
      ]);
    }),
  );

  it.effect("has statements for a server's roles that ClickHouse can read", () =>
    Effect.gen(function* () {
      const statements = read("infra/clickhouse/analysts.sql")
        .replaceAll(/^--.*$/gmu, "")
        .split(";")
        .map((statement) => statement.trim())
        .filter((statement) => statement !== "");
      assert.isAtLeast(statements.length, 12);
      const store = yield* TelemetryStore;
      for (const statement of statements) yield* store.query(`SELECT formatQuery({statement:String})`, { statement });
    }),
  );
});
