import { assert, describe, it } from "@effect/vitest";
import * as Context from "effect/Context";
import * as Deferred from "effect/Deferred";
import * as Effect from "effect/Effect";
import * as Fiber from "effect/Fiber";
import * as Layer from "effect/Layer";
import * as Queue from "effect/Queue";
import { Database } from "./database.ts";
import { layerPg } from "./layer-pg.ts";
import { migrate } from "./migrate.ts";
import { noServer, testDatabase } from "./test-database.ts";

const open = (connectionString: string) =>
  Effect.map(Layer.build(layerPg({ connectionString })), (context) => Context.get(context, Database));

/** Ends every connection of this database but the one that asks. */
const cutConnections = `select pg_terminate_backend(pid) from pg_stat_activity
  where datname = current_database() and pid <> pg_backend_pid()`;

if (noServer) describe.skip("a Postgres server", () => it(`is not tested: ${noServer}`, () => {}));
else
  describe("a Postgres server", () => {
    it.live("commits together, rolls back together, and gives bigint as numbers", () =>
      Effect.gen(function* () {
        const db = yield* open(yield* testDatabase);
        yield* db.script("create table t (n bigint primary key)");
        const twice = Effect.andThen(db.query("insert into t values (1)"), db.query("insert into t values (1)"));
        const failed = yield* Effect.flip(db.transaction(twice));
        assert.strictEqual(failed._tag === "DatabaseError" && failed.sqlState, "23505");
        assert.deepStrictEqual(yield* db.query("select n from t"), []);
        yield* db.transaction(db.transaction(db.query("insert into t values (4000000000)")));
        assert.deepStrictEqual(yield* db.query("select n, count(*) as c from t group by n"), [
          { n: 4_000_000_000, c: 1 },
        ]);
      }).pipe(Effect.scoped),
    );

    it.live("an interrupted statement is not lent to the next, and leaves nothing", () =>
      Effect.gen(function* () {
        const db = yield* open(yield* testDatabase);
        yield* db.script("create table t (n int)");
        const inserted = yield* Deferred.make<void>();
        const writer = yield* Effect.forkChild(
          db.transaction(
            Effect.gen(function* () {
              yield* db.query("insert into t values (1)");
              yield* Deferred.succeed(inserted, undefined);
              yield* db.query("select pg_sleep(60)");
            }),
          ),
        );
        yield* Deferred.await(inserted);
        yield* Fiber.interrupt(writer);
        assert.deepStrictEqual(yield* db.query("select n from t"), []);
      }).pipe(Effect.scoped, Effect.timeout("10 seconds")),
    );

    it.live("lost connections are errors or renewed, never the end of the process", () =>
      Effect.gen(function* () {
        const url = yield* testDatabase;
        const [db, other] = [yield* open(url), yield* open(url)];
        const heard = yield* Queue.unbounded<string>();
        yield* db.listen("news", (payload) => Queue.offerUnsafe(heard, payload));
        assert.strictEqual(yield* Queue.take(heard), "", "a hint to look, once listening");
        const asleep = yield* Effect.forkChild(Effect.flip(db.query("select pg_sleep(60)")));
        yield* Effect.sleep("200 millis");
        yield* other.query(cutConnections);
        assert.strictEqual((yield* Fiber.join(asleep)).sqlState, "57P01");
        assert.deepStrictEqual(yield* db.query("select 1 as one"), [{ one: 1 }]);
        assert.strictEqual(yield* Queue.take(heard), "", "a hint to look, once listening again");
        yield* other.query("select pg_notify('news', 'hello')");
        assert.strictEqual(yield* Queue.take(heard), "hello");
      }).pipe(Effect.scoped, Effect.timeout("20 seconds")),
    );

    it.live("instances that start together migrate one after the other", () =>
      Effect.gen(function* () {
        const url = yield* testDatabase;
        const instances = yield* Effect.all([open(url), open(url), open(url), open(url)]);
        const slow = { name: "test/1", sql: "create table w (n int); select pg_sleep(0.2); insert into w values (1)" };
        yield* Effect.forEach(instances, (db) => migrate(db, [slow]), { concurrency: "unbounded" });
        assert.deepStrictEqual(yield* instances[0].query("select n from w"), [{ n: 1 }]);
      }).pipe(Effect.scoped),
    );

    it.live("a server that is not there is told without the password", () =>
      Effect.gen(function* () {
        const refused = yield* Effect.flip(open("postgres://user:secret@127.0.0.1:1/x"));
        assert.include(refused.message, "ECONNREFUSED");
        assert.notInclude(JSON.stringify(refused), "secret");
      }).pipe(Effect.scoped),
    );
  });
