import { assert, describe, it } from "@effect/vitest";
import { Database, layerPg } from "@sluice/postgres";
import { noServer, testDatabase } from "@sluice/postgres/test-database";
import * as Context from "effect/Context";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import { EventStore } from "./event-store.ts";
import { eventStoreContract, recorded } from "./event-store-contract.ts";
import { layerPostgres } from "./postgres-event-store.ts";
import { verifyRecord } from "./verify-record.ts";

const open = (connectionString: string) =>
  Effect.map(Layer.build(Layer.provide(layerPostgres, layerPg({ connectionString }))), (context) =>
    Context.get(context, EventStore),
  );

if (noServer) describe.skip("the record on a Postgres server", () => it(`is not tested: ${noServer}`, () => {}));
else {
  eventStoreContract("the record on a Postgres server", (body) =>
    Effect.scoped(
      Effect.gen(function* () {
        return yield* Effect.provideService(body, EventStore, yield* open(yield* testDatabase));
      }),
    ),
  );

  it.live("a role that does not own the tables can read the record and add to it, and nothing else", () =>
    Effect.gen(function* () {
      const owner = yield* testDatabase;
      const role = `sluice_app_${process.pid}_${Date.now()}`;
      const administer = (statement: string) =>
        Effect.scoped(
          Effect.flatMap(Layer.build(layerPg({ connectionString: owner })), (context) =>
            Context.get(context, Database).script(statement),
          ),
        );
      yield* Effect.acquireRelease(administer(`create role ${role} login password 'app'`), () =>
        Effect.ignore(administer(`drop owned by ${role}; drop role ${role}`)),
      );
      const application = new URL(owner);
      application.username = role;
      application.password = "app";
      const layer = layerPg({ connectionString: application.href, ownerConnectionString: owner });
      const context = yield* Layer.build(Layer.provideMerge(layerPostgres, layer));
      const store = Context.get(context, EventStore);
      const db = Context.get(context, Database);
      yield* store.append([recorded("a", 0), recorded("a", 1)], "2026-01-01T00:00:00.000Z");
      yield* store.keepCheckpoint({ size: 2, note: "note", signedAt: "2026-01-01T00:00:00.000Z" });
      const INSUFFICIENT_PRIVILEGE = "42501";
      for (const statement of [
        "update audit_events set type = 'x'",
        "delete from audit_events",
        "truncate audit_events",
        "update audit_head set position = 0",
        "insert into audit_head values (2, 0, 'x')",
        "delete from audit_checkpoints",
        "alter table audit_events disable trigger all",
        "drop table audit_events",
        "create or replace function extend_audit_record() returns trigger language sql as 'select 1'",
        "set session_replication_role = replica",
      ]) {
        const refused = yield* Effect.flip(db.query(statement));
        assert.strictEqual(refused.sqlState, INSUFFICIENT_PRIVILEGE, `${statement}: ${refused.message}`);
      }
      // Once migrated, it needs the owner no more.
      yield* Layer.build(Layer.provide(layerPostgres, layerPg({ connectionString: application.href })));
      // What it may do must still continue the record.
      const gap = yield* Effect.flip(
        db.query("insert into audit_events select 9, 0, 9, 'a', 9, null, 'e', 't', '{}', null, null, 'now', 'p', 'h'"),
      );
      assert.match(gap.message, /the next row has position 3/);
      const unlinked = yield* Effect.flip(
        db.query("insert into audit_events select 3, 0, 9, 'a', 3, null, 'e', 't', '{}', null, null, 'now', 'p', 'h'"),
      );
      assert.match(unlinked.message, /the row at position 3 does not follow the last one of a/);
      assert.lengthOf((yield* Effect.provideService(verifyRecord(), EventStore, store)).faults, 0);
    }).pipe(Effect.scoped, Effect.timeout("30 seconds")),
  );

  it.live("two registries that read the same log make one chain, without gap or fork", () =>
    Effect.gen(function* () {
      const url = yield* testDatabase;
      const registries = yield* Effect.all([open(url), open(url)]);
      const at = "2026-01-01T00:00:00.000Z";
      // Each reads both partitions in order, in batches of its own size, and they meet at the head.
      const follow = (store: EventStore["Service"], size: number, partition: number) =>
        Effect.forEach(
          Array.from({ length: Math.ceil(300 / size) }, (_, i) => i * size),
          (from) =>
            store.append(
              Array.from({ length: Math.min(size, 300 - from) }, (_, i) =>
                recorded(`app-${partition}`, from + i, partition),
              ),
              at,
            ),
        );
      yield* Effect.all(
        registries.flatMap((store, i) => [follow(store, 3 + 4 * i, 0), follow(store, 5 + 6 * i, 1)]),
        { concurrency: "unbounded" },
      );
      const [store] = registries;
      const rows = yield* store.read({ limit: 1_000 });
      assert.strictEqual(rows.length, 600);
      for (const partition of [0, 1])
        assert.deepStrictEqual(
          rows.filter((row) => row.partition === partition).map((row) => row.offset),
          Array.from({ length: 300 }, (_, n) => n),
        );
      assert.lengthOf((yield* Effect.provideService(verifyRecord(), EventStore, store)).faults, 0);
    }).pipe(Effect.scoped, Effect.timeout("30 seconds")),
  );
}
