import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert, describe, it } from "@effect/vitest";
import { Session } from "chdb";
import { afterAll } from "vitest";
import { movingTexts } from "./move-texts.ts";
import { clickHouseSchema } from "./schema.ts";

// chDB as the only server of a cluster: it makes and asks the distributed tables, and its own part of each. It has no keeper,
// so that nothing is replicated, and each statement is run where it is instead of `ON CLUSTER`.
const folder = mkdtempSync(join(tmpdir(), "sluice-cluster-"));
const config = join(folder, "config.xml");
writeFileSync(
  config,
  `<clickhouse>
    <tcp_port>9000</tcp_port>
    <remote_servers>
      <main><shard><replica><host>127.0.0.1</host><port>9000</port></replica></shard></main>
    </remote_servers>
  </clickhouse>`,
);
const session = new Session(join(folder, "data"), { connectionArgs: [`--config-file=${config}`] });
afterAll(() => {
  session.close();
  rmSync(folder, { recursive: true });
});
const ask = (statement: string): string => session.query(statement, "TSV");

/** Without what needs a keeper. */
const here = (statement: string): string =>
  statement
    .replace(" ON CLUSTER 'main'", "")
    .replace(
      /ENGINE = Replicated(\w+)\('[^']*', '\{replica\}'(?:, (\w+))?\)/,
      (_engine, family: string, version = "") => (version ? `ENGINE = ${family}(${version})` : `ENGINE = ${family}`),
    );

describe("the schema on a cluster, made by the engine", () => {
  for (const [database, cluster] of [
    ["one", null],
    ["many", "main"],
  ] as const) {
    ask(`CREATE DATABASE ${database}`);
    ask(`USE ${database}`);
    for (const statement of clickHouseSchema(cluster)) ask(here(statement));
  }

  /** By the name that queries use: what somebody who selects, inserts or joins meets. */
  const columnsOf = (database: string, where: string): string =>
    ask(`SELECT replaceRegexpOne(table, '_local$', '') AS name, position, c.name, type, default_kind, default_expression, comment
      FROM system.columns AS c WHERE database = '${database}' AND ${where} ORDER BY name, position`);

  it("has the columns of one server, one by one, in every distributed table, every local one and every view", () => {
    const single = columnsOf("one", "1");
    assert.isAbove(single.split("\n").length, 150);
    assert.strictEqual(columnsOf("many", "table NOT LIKE '%\\_local'"), single);
    const tables = "table IN (SELECT name FROM system.tables WHERE database = 'one' AND engine NOT LIKE '%View')";
    assert.strictEqual(columnsOf("many", "table LIKE '%\\_local'"), columnsOf("one", tables));
  });

  it("keeps, orders and ends rows in the local tables as one server does", () => {
    const kept = (database: string, suffix: string) =>
      ask(`SELECT replaceRegexpOne(name, '_local$', ''), engine, sorting_key, partition_key, extract(engine_full, 'TTL .*')
        FROM system.tables WHERE database = '${database}' AND engine LIKE '%MergeTree' AND name LIKE '%${suffix}' ORDER BY 1`);
    assert.include(kept("one", ""), "ReplacingMergeTree");
    assert.strictEqual(kept("many", "\\_local"), kept("one", ""));
  });

  it("takes rows by the distributed tables and tells them by every view", () => {
    ask("INSERT INTO many.observations (observation_id, application, ended_at) VALUES ('o-1', 'shop', now64(3))");
    ask(
      "INSERT INTO many.judgements (judgement_id, application, window_at, subject) VALUES ('j-1', 'shop', now64(3), 'o-1')",
    );
    assert.strictEqual(ask("SELECT observation_id FROM many.observations FINAL"), "o-1\n");
    assert.strictEqual(ask("SELECT count() FROM many.observations_local"), "1\n");
    assert.strictEqual(ask("SELECT judgement_id, cluster_key FROM many.judgements"), "j-1\to-1\n");
    const views = ask("SELECT name FROM system.tables WHERE database = 'many' AND engine = 'View'").trim().split("\n");
    assert.isAbove(views.length, 5);
    ask("USE many");
    for (const view of views) ask(`SELECT * FROM ${view}`);
  });

  it("takes the texts of a version before out of the observations, on every server", () => {
    ask("USE many");
    ask("ALTER TABLE observations_local ADD COLUMN input String, ADD COLUMN output String");
    const run = (statements: ReadonlyArray<string>) => {
      for (const statement of statements) ask(here(statement));
    };
    run(clickHouseSchema("main"));
    ask(
      "INSERT INTO observations (observation_id, application, ended_at, input) VALUES ('o-2', 'shop', now64(3), 'a text')",
    );
    run([...movingTexts("main"), ...clickHouseSchema("main")]);
    assert.strictEqual(ask("SELECT observation_id, input, output FROM observation_texts_local"), "o-2\ta text\t\n");
    assert.strictEqual(columnsOf("many", "table = 'observations'"), columnsOf("one", "table = 'observations'"));
    assert.strictEqual(ask("SELECT observation_id FROM observations FINAL ORDER BY 1"), "o-1\no-2\n");
  });
});
