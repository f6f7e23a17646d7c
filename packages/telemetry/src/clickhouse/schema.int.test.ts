import { readFileSync } from "node:fs";
import { assert, describe, it } from "@effect/vitest";
import { createChdbConnection } from "chdb/connection";
import { afterAll } from "vitest";
import { clickHouseSchema } from "./schema.ts";

const connection = createChdbConnection({ path: ":memory:" });
afterAll(() => connection.close());

/** The engine's own parser; what the statement would do on a server that is not here cannot be tried. */
const parsed = (statement: string) => connection.query({ query: `EXPLAIN AST ${statement}`, clickhouse_settings: {} });

describe("the schema on a cluster", () => {
  const single = clickHouseSchema(null);
  const cluster = clickHouseSchema("it's main");

  it("is understood by ClickHouse's parser, statement by statement, as on one server", async () => {
    for (const statement of [...single, ...cluster]) await parsed(statement);
  });

  it("has users that ClickHouse's parser understands, and no password", async () => {
    const text = readFileSync(new URL("../../../../infra/clickhouse/users.sql", import.meta.url), "utf8");
    const statements = text
      .replaceAll(/^--.*$/gm, "")
      .split(";")
      .filter((statement) => statement.trim() !== "");
    assert.isAbove(statements.length, 4);
    for (const statement of statements) await parsed(statement);
    assert.notMatch(text.replaceAll(/^--.*$/gm, ""), /_password BY/);
  });

  it("replicates every table and distributes it under its own name", () => {
    const names = single.flatMap((statement) => statement.match(/^CREATE TABLE IF NOT EXISTS (\w+)/)?.[1] ?? []);
    assert.isAbove(names.length, 4);
    for (const name of names) {
      const own = cluster.filter((statement) => new RegExp(`\\b${name}(?:_local)? ON CLUSTER`).test(statement));
      assert.isTrue(
        own.some((statement) => /ENGINE = Replicated\w*MergeTree\('\/clickhouse/.test(statement)),
        name,
      );
      assert.isTrue(
        own.some((statement) => statement.includes("ENGINE = Distributed('it''s main'")),
        name,
      );
    }
    for (const statement of cluster) assert.include(statement, "ON CLUSTER 'it''s main'");
    assert.include(cluster.join(), "{replica}', through)");
  });

  it("makes the distributed tables after every column is there, and the views last", () => {
    const kinds = cluster.map((statement) =>
      statement.includes("VIEW") ? "view" : statement.includes("Distributed(") ? "distributed" : "local",
    );
    assert.deepStrictEqual(
      kinds,
      kinds.toSorted((one, other) => order.indexOf(one) - order.indexOf(other)),
    );
  });
});

const order = ["local", "distributed", "view"];
