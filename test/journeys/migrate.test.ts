import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { eventStoreMigrations } from "@sluice/event-store/event-store-migrations";
import { Database, layerPg, MIGRATION_LOCK, migrate } from "@sluice/postgres";
import { freePort } from "@sluice/postgres/free-port";
import { testServer } from "@sluice/postgres/test-server";
import { clickHouseSchema } from "@sluice/telemetry/clickhouse/schema";
import * as Context from "effect/Context";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import { afterAll, describe, expect, it } from "vitest";
import { until } from "../support/registry.ts";
import { ServiceProcess } from "../support/service-process.ts";
import { sluice } from "../support/sluice-process.ts";

const postgres = await testServer();

/** Runs on its own connection. */
const onDatabase = <A>(url: string, use: (database: Database["Service"]) => Effect.Effect<A, unknown>): Promise<A> =>
  Effect.runPromise(
    Effect.scoped(
      Effect.flatMap(Layer.build(layerPg({ connectionString: url })), (context) => use(Context.get(context, Database))),
    ),
  );
const rowsOf = (url: string, query: string) => onDatabase(url, (database) => database.query(query));

const columnsOfTables = `select table_name, column_name, data_type from information_schema.columns
  where table_schema = 'public' order by 1, 2`;

if ("skipped" in postgres) describe.skip("sluice migrate", () => it(`is not tested: ${postgres.skipped}`, () => {}));
else
  describe("sluice migrate", () => {
    const ended: Array<() => unknown> = [postgres.remove];
    afterAll(() => Promise.all(ended.map((end) => end())));

    /** An empty database and an empty ClickHouse. */
    const emptyServers = async (name: string) => {
      const database = new URL(postgres.url);
      await onDatabase(postgres.url, (server) => server.script(`create database ${name}`));
      database.pathname = `/${name}`;
      const folder = mkdtempSync(join(tmpdir(), "sluice-migrate-"));
      const port = await freePort();
      const script = fileURLToPath(new URL("../support/clickhouse-process.ts", import.meta.url));
      const clickhouse = new ServiceProcess("clickhouse", [script, folder, String(port)], {});
      await clickhouse.start();
      ended.push(async () => {
        await clickhouse.end("SIGKILL");
        rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
      });
      const ask = async (query: string) => {
        const response = await fetch(`http://127.0.0.1:${port}`, { method: "POST", body: query });
        const answer = await response.text();
        if (!response.ok) throw new Error(answer);
        return answer;
      };
      const environment = { DATABASE_URL: database.href, CLICKHOUSE_URL: `http://127.0.0.1:${port}` };
      return { environment, ask, database: database.href };
    };
    type Servers = Awaited<ReturnType<typeof emptyServers>>;

    /** Everything that must be the same however often, and from wherever, it was migrated. */
    const schemaOf = async ({ database, ask }: Servers) => ({
      migrations: await rowsOf(database, "select name, digest from sluice_migrations order by name"),
      columns: await rowsOf(database, columnsOfTables),
      clickhouse: await ask(
        `SELECT table, name, type, default_kind, default_expression FROM system.columns
          WHERE database = currentDatabase() ORDER BY table, name FORMAT TSV`,
      ),
    });
    const migrated = { code: 0, stdout: "PostgreSQL and ClickHouse are where this version needs them\n", stderr: "" };
    let fresh: Awaited<ReturnType<typeof schemaOf>>;

    it("brings empty servers forward, and changes nothing the second time", async () => {
      const servers = await emptyServers("fresh");
      expect(await sluice(["migrate"], servers.environment)).toEqual(migrated);
      fresh = await schemaOf(servers);
      expect(fresh.migrations.length).toBeGreaterThanOrEqual(4);
      for (const table of ["observations", "judgements", "release_events", "kpi_lead_time"])
        expect(fresh.clickhouse).toMatch(new RegExp(`^${table}\t`, "m"));
      const applied = "select * from sluice_migrations order by name";
      const before = await rowsOf(servers.database, applied);
      expect(await sluice(["migrate", "--json"], servers.environment)).toMatchObject({ code: 0 });
      expect(await rowsOf(servers.database, applied)).toEqual(before);
      expect(await schemaOf(servers)).toEqual(fresh);
    });

    it("may be run by several at once: they wait for one another, and each migration is applied once", async () => {
      const servers = await emptyServers("at_once");
      const runs = await onDatabase(servers.database, (database) =>
        // Somebody else is at it: both have to wait, and are let go together.
        database.transaction(
          Effect.gen(function* () {
            yield* database.query("select pg_advisory_xact_lock($1)", [MIGRATION_LOCK]);
            const both = [1, 2].map(() => sluice(["migrate"], servers.environment));
            yield* Effect.promise(() =>
              until(
                () =>
                  rowsOf(
                    servers.database,
                    "select distinct pid from pg_locks where locktype = 'advisory' and not granted",
                  ),
                (waiting) => waiting.length >= 2,
              ),
            );
            return both;
          }),
        ),
      );
      expect(await Promise.all(runs)).toEqual([migrated, migrated]);
      expect(await schemaOf(servers)).toEqual(fresh);
    });

    it("brings the first version forward with all that is in it", async () => {
      const servers = await emptyServers("older");
      const { database, ask } = servers;
      await onDatabase(database, (db) => migrate(db, eventStoreMigrations.slice(0, 1)));
      await rowsOf(
        database,
        `insert into audit_events select 1, 0, 0, 'shop', 1, 'rel-1', 'evt-1', 'ReleaseRequested', '{}', null, null, 'now',
          hash, 'h1' from audit_head`,
      );
      for (const statement of firstClickHouse) await ask(statement);
      await ask("INSERT INTO observations (observation_id, ended_at) VALUES ('o-1', now64(3))");
      // As a version in between had them.
      await ask("ALTER TABLE observations ADD COLUMN input String, ADD COLUMN output String");
      await ask("INSERT INTO observations (observation_id, ended_at, input) VALUES ('o-2', now64(3), 'a text')");
      await ask("INSERT INTO judgements (judgement_id, window_at, subject) VALUES ('j-1', now64(3), 'o-1')");

      expect(await sluice(["migrate"], servers.environment)).toEqual(migrated);
      const { columns, ...rest } = await schemaOf(servers);
      expect(rest).toEqual({ migrations: fresh.migrations, clickhouse: fresh.clickhouse });
      // Rows of the form before are kept aside, and nobody adds to them.
      expect(columns).toEqual(expect.arrayContaining(fresh.columns as Array<unknown>));
      expect(await rowsOf(database, "select event_id from audit_events_1")).toEqual([{ event_id: "evt-1" }]);
      expect(await rowsOf(database, "select event_id from audit_events")).toEqual([]);
      await expect(rowsOf(database, "delete from audit_events_1")).rejects.toThrow(/append-only/);
      expect(await ask("SELECT observation_id, is_wrong_digest FROM observations ORDER BY 1 FORMAT TSV")).toBe(
        "o-1\tfalse\no-2\tfalse\n",
      );
      expect(await ask("SELECT observation_id, input, output FROM observation_texts FORMAT TSV")).toBe(
        "o-2\ta text\t\n",
      );
      expect(await ask("SELECT judgement_id, cluster_key FROM judgements FORMAT TSV")).toBe("j-1\to-1\n");
    });

    it("says in one sentence what is wrong with the environment, and which server is away", async () => {
      const nowhere = { DATABASE_URL: "", CLICKHOUSE_URL: "" };
      const incomplete = await sluice(["migrate"], nowhere);
      expect(incomplete).toMatchObject({ code: 2, stdout: "" });
      expect(incomplete.stderr).toMatch(/DATABASE_URL.*CLICKHOUSE_URL/);
      const unreachable = { DATABASE_URL: "postgres://a@127.0.0.1:1/a", CLICKHOUSE_URL: "http://127.0.0.1:1" };
      expect(await sluice(["migrate"], unreachable)).toMatchObject({ code: 1, stdout: "" });
    });
  });

/** ClickHouse's tables before anything was added to them. */
const firstClickHouse = clickHouseSchema(null).filter((statement) =>
  /^CREATE TABLE IF NOT EXISTS (?:observations|judgements|release_events|gateway_batches) /.test(statement),
);
