import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert, layer } from "@effect/vitest";
import { pairSide } from "@sluice/contracts/testing/pair-side";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import { afterAll } from "vitest";
import type { AnalystStatement } from "./analyst-statement.ts";
import { layerClickHouse } from "./clickhouse-telemetry-store.ts";
import { batchOf, observation, pair } from "./contract/rows.fixture.ts";
import { completedRelease, overriddenRelease } from "./release-history.fixture.ts";
import { TelemetryStore } from "./telemetry-store.ts";

const folder = mkdtempSync(join(tmpdir(), "sluice-analyst-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const filled = Layer.effectDiscard(
  Effect.gen(function* () {
    const store = yield* TelemetryStore;
    const said = { input: "A question", baseline: pairSide(), candidate: pairSide() };
    yield* store.insertPairs([pair("1", 1, { ...said, application: completedRelease[0]?.application ?? "" })]);
    const releases = ["rel-overridden", "rel-completed"];
    yield* store.insertPairs(releases.map((releaseId) => pair("1", 1, { ...said, releaseId, textsKept: false })));
    const payload = { input: "A question", output: "An answer" };
    yield* store.insertObservations([batchOf(releases.map((releaseId, i) => observation(i, { releaseId, payload })))]);
    yield* store.insertReleaseEvents([
      ...completedRelease.map((event) => ({ event, accepted: true, team: "support" })),
      ...overriddenRelease.map((event) => ({ event, accepted: true, team: "growth" })),
    ]);
  }),
);
const stores = Layer.provideMerge(filled, layerClickHouse({ path: join(folder, "clickhouse") }));

const statement = (sql: string, more: Partial<AnalystStatement> = {}): AnalystStatement => ({
  sql,
  format: "TSV",
  parameters: {},
  outputSettings: {},
  team: null,
  ...more,
});
const ask = (sql: string, more: Partial<AnalystStatement> = {}) =>
  Effect.flatMap(TelemetryStore, (store) =>
    Effect.map(store.answer(statement(sql, more)), ({ bytes }) => Buffer.from(bytes).toString("utf8")),
  );

layer(stores, { timeout: 60_000 })("an analyst's statement", (it) => {
  it.effect("is answered in the format that it, or its client, asks for", () =>
    Effect.gen(function* () {
      const releases = "SELECT uniqExact(release_id) AS n FROM release_events FINAL";
      assert.strictEqual(yield* ask(releases), "2\n");
      assert.strictEqual(yield* ask(`${releases}\nFORMAT JSONEachRow;\n`), '{"n":2}\n');
      assert.strictEqual(
        yield* ask("SELECT {a:Int32} + 1, {b:String}", { parameters: { a: "2", b: "it's" } }),
        "3\tit\\'s\n",
      );
      const quoted = yield* ask("SELECT toUInt64(1) AS a FORMAT JSONEachRow", {
        outputSettings: { output_format_json_quote_64bit_integers: "1" },
      });
      assert.strictEqual(quoted, '{"a":"1"}\n');
      assert.match(yield* ask("SHOW TABLES"), /^kpi_lead_time$/mu);
      assert.match(yield* ask("SHOW TABLES FROM default LIKE 'kpi%'"), /^kpi_lead_time$/mu);
      assert.strictEqual(yield* ask("SELECT format('{}-{}', 'a', b.file) FROM (SELECT 'x' AS file) AS b"), "a-x\n");
      assert.match(yield* ask("DESCRIBE TABLE release_events"), /^event_id\tString/mu);
      yield* ask("SELECT count() FROM system.tables -- FORMAT of nothing");
      yield* ask(
        "WITH t AS (SELECT 1 AS a UNION ALL SELECT 2) SELECT a FROM t WHERE a IN (SELECT number FROM numbers(2))",
      );
      yield* ask("SELECT count() FROM default.kpi_overrides");
    }),
  );

  const attacks: ReadonlyArray<readonly [string, RegExp]> = [
    ["INSERT INTO release_events (event_id) VALUES ('x')", /only SELECT/],
    ["DROP TABLE release_events", /only SELECT/],
    ["ALTER TABLE release_events DELETE WHERE 1", /only SELECT/],
    ["CREATE TABLE x (a Int8) ENGINE = Memory", /only SELECT/],
    ["SET readonly = 0", /only SELECT/],
    ["SYSTEM FLUSH LOGS", /Syntax error/],
    ["SELECT 1; DROP TABLE release_events", /one statement/],
    ["SELECT ';'", /one statement/],
    ["SELECT 1 SETTINGS max_result_rows = 0", /sets no settings/],
    ["SELECT * FROM (SELECT 1 SETTINGS max_result_rows = 0)", /sets no settings/],
    ["SELECT 1 INTO OUTFILE '/tmp/stolen'", /into no file/],
    ["SELECT * FROM file('/etc/passwd', 'LineAsString')", /function file/],
    ["SELECT FILE('/etc/passwd')", /function FILE/],
    ["SELECT * FROM url('http://127.0.0.1:1/', 'LineAsString')", /function url/],
    ["SELECT 1 IN (SELECT * FROM remote('127.0.0.1', system.one))", /function remote/],
    ["WITH t AS (SELECT * FROM executable('id', 'TSV', 'a String')) SELECT * FROM t", /function executable/],
    ["DESCRIBE TABLE s3('http://127.0.0.1:1/x')", /function s3/],
    ["SELECT sleep(3)", /function sleep/],
    ["SELECT * APPLY(file) FROM (SELECT '/etc/passwd' AS a)", /APPLY hides/],
    ["SELECT t.* APPLY(x -> file(x)) FROM (SELECT '/etc/passwd' AS a) AS t", /APPLY hides/],
    ["SELECT arrayMap(file, ['/etc/passwd'])", /file is the name of a function/],
    ["SELECT a FROM values('b String, a String ALIAS file(b)', ('/etc/passwd'))", /function values/],
    [
      `SELECT a FROM format(JSONEachRow, 'b String, a String DEFAULT file(b)', '{"b":"/etc/passwd"}')`,
      /function format/,
    ],
    ["SELECT * FROM view(SELECT file('/etc/passwd'))", /function file/],
    ["SHOW TABLES WHERE length(file('/etc/passwd')) > 0", /of SHOW only/],
    ["/* */ SHOW TABLES WHERE length(file('/etc/passwd')) > 0", /of SHOW only/],
    ["SHOW SETTINGS LIKE 'max%'", /of SHOW only/],
    ["SELECT * FROM system.query_log", /system.query_log is not read/],
    ["SELECT 'x' IN system.settings", /system.settings is not read/],
    ["SELECT * FROM other.secrets", /database other/],
    ["SELECT * FROM information_schema.tables", /is not read|database information_schema/],
    ["SELECT 1 FORMAT Template", /format Template/],
    ["SELECT /* 1", /./],
    ["", /send a statement/],
    [`SELECT ${"1,".repeat(60_000)}1`, /characters/],
  ];
  for (const [sql, sentence] of attacks)
    it.effect(`is refused: ${sql.slice(0, 60)}`, () =>
      Effect.gen(function* () {
        const refused = yield* Effect.flip(ask(sql));
        assert.strictEqual(refused._tag, "StatementRefused");
        assert.match(refused.message, sentence);
        assert.strictEqual(yield* ask("SELECT count() > 0 FROM release_events"), "1\n");
      }),
    );

  it.effect("finds no text of users, whoever asks and however", () =>
    Effect.gen(function* () {
      for (const team of [null, "support", "growth"]) {
        for (const table of ["shadow_pairs", "observation_texts"])
          for (const sql of [`SELECT count() FROM ${table}`, `SELECT count() FROM default.${table} AS p FINAL`])
            assert.strictEqual(yield* ask(sql, { team }), "0\n", sql);
        for (const table of ["observations", "shadow_measurements", "judgements"]) {
          const rows = yield* ask(`SELECT * FROM ${table}`, { team });
          for (const text of ["A question", "An answer"]) assert.notInclude(rows, text, table);
        }
      }
      const store = yield* TelemetryStore;
      const application = completedRelease[0]?.application ?? "";
      assert.strictEqual((yield* store.pairs({ application, releaseId: "rel-1", limit: 1 })).kept, 1);
      const [texts] = yield* store.query("SELECT toUInt32(count()) AS n FROM observation_texts");
      assert.deepStrictEqual(texts, { n: 2 });
    }),
  );

  it.effect("that fails half-way leaves nothing behind for the next one", () =>
    Effect.gen(function* () {
      const failed = yield* Effect.flip(ask("SELECT throwIf(number = 50000), number FROM numbers(90000)"));
      assert.strictEqual(failed._tag, "StatementRefused");
      assert.strictEqual(yield* ask("SELECT 1"), "1\n");
      const large = yield* Effect.flip(ask("SELECT number FROM numbers(1000000)"));
      assert.match(large.message, /Limit for result/);
      assert.strictEqual(yield* ask("SELECT 1"), "1\n");
    }),
  );

  it.effect("of a team's member sees that team's releases, by whatever way it asks", () =>
    Effect.gen(function* () {
      const team = "growth";
      const ways = [
        "SELECT DISTINCT release_id FROM release_events",
        "SELECT DISTINCT release_id FROM default.release_events AS e FINAL",
        "SELECT DISTINCT a.release_id FROM release_events AS a JOIN release_events AS b ON a.application = b.application",
        "SELECT release_id FROM release_events UNION DISTINCT SELECT release_id FROM release_events",
        "WITH e AS (SELECT * FROM release_events) SELECT DISTINCT release_id FROM e",
        "SELECT arrayJoin((SELECT groupUniqArray(release_id) FROM release_events))",
      ];
      for (const sql of ways) assert.strictEqual(yield* ask(sql, { team }), "rel-overridden\n", sql);
      assert.strictEqual(yield* ask("SELECT count() FROM release_lead_times", { team }), "0\n");
      assert.strictEqual(yield* ask("SELECT DISTINCT team FROM kpi_overrides", { team }), "growth\n");
      assert.strictEqual(yield* ask("SELECT count() FROM gateway_batches", { team }), "0\n");
      for (const table of ["shadow_measurements", "observations"]) {
        assert.isAbove(Number(yield* ask(`SELECT count() FROM ${table}`)), 1, table);
        assert.strictEqual(yield* ask(`SELECT release_id FROM ${table}`, { team }), "rel-overridden\n", table);
      }
      assert.strictEqual(yield* ask("SELECT count() FROM release_events", { team: "it's'} nobody" }), "0\n");
      assert.strictEqual(yield* ask("SELECT count() FROM release_lead_times", { team: "support" }), "1\n");
      // How many rows everybody has is not theirs to know; which tables there are is.
      for (const table of ["system.tables", "system.columns"]) {
        const refused = yield* Effect.flip(ask(`SELECT * FROM ${table}`, { team }));
        assert.match(refused.message, /counts the rows of every team/);
      }
      assert.include(yield* ask("SHOW TABLES", { team }), "release_events");
    }),
  );

  it.effect("on a server has roles whose every statement parses, and whose conditions find a team's rows", () =>
    Effect.gen(function* () {
      const store = yield* TelemetryStore;
      const file = readFileSync(new URL("../../../infra/clickhouse/analysts.sql", import.meta.url), "utf8");
      const statements = file
        .replaceAll(/^--.*$/gmu, "")
        .split(";")
        .flatMap((sql) => sql.trim() || []);
      assert.isAbove(statements.length, 20);
      for (const sql of statements) yield* store.query("SELECT formatQuery({sql:String}) AS parsed", { sql });
      const conditions = statements.flatMap((sql) => {
        const [, table, condition] = sql.match(/ ON sluice\.(\w+)\s+USING ([\s\S]+?)\s+TO sluice_team_growth/u) ?? [];
        return table && condition ? [{ table, condition: condition.replaceAll("sluice.", "") }] : [];
      });
      const rows: Record<string, number> = {};
      for (const { table, condition } of conditions) {
        const [found] = yield* store.query(`SELECT toUInt32(count()) AS n FROM ${table} FINAL WHERE ${condition}`);
        rows[table] = Number(found?.n);
      }
      assert.deepInclude(rows, { release_events: overriddenRelease.length, observations: 1, judgements: 0 });
    }),
  );
});
