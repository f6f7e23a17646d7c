import { fork } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert, describe, it, layer } from "@effect/vitest";
import * as Deferred from "effect/Deferred";
import * as Effect from "effect/Effect";
import * as Fiber from "effect/Fiber";
import { Database } from "./database.ts";
import { layerPGlite } from "./layer-pglite.ts";
import { migrate } from "./migrate.ts";

layer(layerPGlite({ directory: null }), { timeout: 30_000 })("PGlite in memory", (it) => {
  it.effect("a failed transaction leaves nothing, a successful one everything", () =>
    Effect.gen(function* () {
      const database = yield* Database;
      yield* database.script("create table t (n int primary key)");
      const failed = yield* Effect.result(
        database.transaction(
          Effect.andThen(database.query("insert into t values (1)"), database.query("insert into t values (1)")),
        ),
      );
      assert.strictEqual(failed._tag === "Failure" && failed.failure.sqlState, "23505");
      assert.deepStrictEqual(yield* database.query("select n from t"), []);
      yield* database.transaction(database.query("insert into t values (2), (9007199254740991 - 9007199254740988)"));
      assert.deepStrictEqual(yield* database.query("select n from t order by n"), [{ n: 2 }, { n: 3 }]);
    }),
  );

  it.effect("other queries wait for a transaction, and a transaction within it does not wait for itself", () =>
    Effect.gen(function* () {
      const database = yield* Database;
      yield* database.script("create table u (n int)");
      const inserted = yield* Deferred.make<void>();
      const proceed = yield* Deferred.make<void>();
      const writer = yield* Effect.forkChild(
        database.transaction(
          Effect.gen(function* () {
            yield* database.transaction(database.query("insert into u values (1)"));
            yield* Deferred.succeed(inserted, undefined);
            yield* Deferred.await(proceed);
            return yield* Effect.fail("changed my mind");
          }),
        ),
      );
      yield* Deferred.await(inserted);
      const reader = yield* Effect.forkChild(database.query("select n from u"));
      yield* Deferred.succeed(proceed, undefined);
      assert.deepStrictEqual(yield* Fiber.join(reader), []);
      assert.strictEqual((yield* Effect.exit(Fiber.join(writer)))._tag, "Failure");
    }),
  );

  it.effect("an interrupted transaction is rolled back and the next one goes on", () =>
    Effect.gen(function* () {
      const database = yield* Database;
      yield* database.script("create table v (n int)");
      const inserted = yield* Deferred.make<void>();
      const writer = yield* Effect.forkChild(
        database.transaction(
          Effect.gen(function* () {
            yield* database.query("insert into v values (1)");
            yield* Deferred.succeed(inserted, undefined);
            return yield* Effect.never;
          }),
        ),
      );
      yield* Deferred.await(inserted);
      yield* Fiber.interrupt(writer);
      assert.deepStrictEqual(yield* database.query("select n from v"), []);
    }),
  );

  it.effect("a notification arrives once its transaction has committed", () =>
    Effect.gen(function* () {
      const database = yield* Database;
      const received = yield* Deferred.make<string>();
      yield* database.listen("news", (payload) => Deferred.doneUnsafe(received, Effect.succeed(payload)));
      yield* database.query("select pg_notify('news', 'hello')");
      assert.strictEqual(yield* Deferred.await(received), "hello");
    }),
  );

  it.effect("a long row of queries leaves timers and sockets their turn", () =>
    Effect.gen(function* () {
      const database = yield* Database;
      let turns = 0;
      const timer = setInterval(() => {
        turns += 1;
      }, 1);
      // Bounded by the clock, not by turns: were there none, nothing else could end it. Three are few enough for any machine.
      const giveUpAt = performance.now() + 20_000;
      while (turns < 3 && performance.now() < giveUpAt)
        yield* database.query("select count(*) from generate_series(1, 2000)");
      clearInterval(timer);
      assert.isAtLeast(turns, 3);
    }),
  );

  it.effect("migrations are applied once and never change", () =>
    Effect.gen(function* () {
      const database = yield* Database;
      const first = { name: "test/1", sql: "create table w (n int); insert into w values (1)" };
      yield* migrate(database, [first]);
      yield* migrate(database, [first, { name: "test/2", sql: "insert into w values (2)" }]);
      assert.deepStrictEqual(yield* database.query("select n from w order by n"), [{ n: 1 }, { n: 2 }]);
      const refused = yield* Effect.flip(migrate(database, [{ ...first, sql: "drop table w" }]));
      assert.match(refused.message, /migration test\/1 was applied with another text/);
    }),
  );
});

const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "sluice-postgres-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true })),
);

describe("PGlite in a directory", () => {
  it.live("is refused to a second user, naming directory and process, and keeps its rows", () =>
    Effect.gen(function* () {
      const directory = join(yield* folder, "data", "postgres");
      yield* Effect.gen(function* () {
        const database = yield* Database;
        yield* database.script("create table t (n int); insert into t values (7)");
        const refused = yield* Effect.flip(Effect.provide(Database, layerPGlite({ directory }), { local: true }));
        assert.strictEqual(
          refused.message,
          `directory ${directory} is in use by process ${process.pid}: stop that process or choose another directory`,
        );
      }).pipe(Effect.provide(layerPGlite({ directory })));
      const rows = yield* Effect.flatMap(Database, (database) => database.query("select n from t")).pipe(
        Effect.provide(layerPGlite({ directory })),
      );
      assert.deepStrictEqual(rows, [{ n: 7 }]);
    }),
  );

  it.live("is free again when its owner was killed", () =>
    Effect.gen(function* () {
      const directory = join(yield* folder, "postgres");
      const script = join(yield* folder, "owner.ts");
      const here = (file: string) => JSON.stringify(new URL(file, import.meta.url).href);
      writeFileSync(
        script,
        `import * as Effect from ${JSON.stringify(import.meta.resolve("effect/Effect"))};
         import { lockDirectory } from ${here("./directory-lock.ts")};
         Effect.runFork(Effect.scoped(Effect.gen(function* () {
           yield* lockDirectory(${JSON.stringify(directory)});
           process.send("locked");
           setInterval(() => {}, 1_000);
           return yield* Effect.never;
         })));`,
      );
      const owner = fork(script);
      yield* Effect.callback<void>((resume) => void owner.once("message", () => resume(Effect.void)));
      const refused = yield* Effect.flip(Effect.provide(Database, layerPGlite({ directory })));
      assert.include(refused.message, `in use by process ${owner.pid}`);
      yield* Effect.callback<void>((resume) => {
        owner.once("exit", () => resume(Effect.void));
        owner.kill("SIGKILL");
      });
      yield* Effect.provide(Database, layerPGlite({ directory }));
    }),
  );
});
