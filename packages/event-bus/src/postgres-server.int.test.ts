import { assert, describe, it } from "@effect/vitest";
import type { Topic } from "@sluice/contracts";
import { Database, layerPg } from "@sluice/postgres";
import { noServer, testDatabase } from "@sluice/postgres/test-database";
import * as Context from "effect/Context";
import * as Deferred from "effect/Deferred";
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import * as Layer from "effect/Layer";
import * as Schema from "effect/Schema";
import * as Scope from "effect/Scope";
import { afterAll } from "vitest";
import { EventBus } from "./event-bus.ts";
import { eventBusConformance } from "./event-bus-conformance.ts";
import { layerPostgres } from "./postgres-event-bus.ts";

const Ticked = Schema.TaggedStruct("Ticked", { n: Schema.Int });
const ticked = (n: number) => Ticked.make({ n });
const topic: Topic<typeof Ticked.Type> = {
  name: "ticks",
  schema: Ticked,
  retention: "forever",
  partitions: 1,
  keyOf: () => "k",
  idOf: (event) => String(event.n),
};

/** A process of its own: its own pool and its own bus on the same database. */
const instance = (connectionString: string) =>
  Effect.map(Layer.build(Layer.provideMerge(layerPostgres(), layerPg({ connectionString }))), (context) => ({
    bus: Context.get(context, EventBus),
    db: Context.get(context, Database),
  }));

if (noServer) describe.skip("the bus on a Postgres server", () => it(`is not tested: ${noServer}`, () => {}));
else {
  const scope = Scope.makeUnsafe();
  afterAll(() => Effect.runPromise(Scope.close(scope, Exit.void)));
  const url = Effect.runSync(Effect.cached(Scope.provide(testDatabase, scope)));
  eventBusConformance(
    "the bus on a Postgres server",
    Effect.map(Effect.flatMap(url, instance), ({ bus }) => bus),
  );

  describe("several processes on one Postgres server", () => {
    it.live("read all that was published, in one order, while all of them publish", () =>
      Effect.gen(function* () {
        const url = yield* testDatabase;
        const instances = yield* Effect.all([instance(url), instance(url), instance(url)]);
        const seen = instances.map((): Array<number> => []);
        const complete = yield* Deferred.make<void>();
        yield* Effect.forEach(instances, ({ bus }, i) =>
          bus.follow(topic, (batch) =>
            Effect.suspend(() => {
              seen[i]?.push(...batch.map(({ event }) => event.n));
              return seen.every((numbers) => numbers.length >= 300)
                ? Deferred.succeed(complete, undefined)
                : Effect.void;
            }),
          ),
        );
        yield* Effect.forEach(
          instances,
          ({ bus }, i) =>
            Effect.forEach(
              Array.from({ length: 100 }, (_, n) => n),
              (n) => bus.publish(topic, [ticked(i * 1_000 + n)]),
            ),
          { concurrency: "unbounded" },
        );
        yield* Deferred.await(complete);
        assert.deepStrictEqual(seen[1], seen[0]);
        assert.deepStrictEqual(seen[2], seen[0]);
        for (const i of [0, 1, 2])
          assert.deepStrictEqual(
            seen[0]?.filter((n) => Math.floor(n / 1_000) === i),
            Array.from({ length: 100 }, (_, n) => i * 1_000 + n),
          );
      }).pipe(Effect.scoped, Effect.timeout("30 seconds")),
    );

    it.live("a member that died is succeeded when its lease ends, and what it commits later counts for nothing", () =>
      Effect.gen(function* () {
        const url = yield* testDatabase;
        const [first, second] = [yield* instance(url), yield* instance(url)];
        const [stuck, wake, handled] = [
          yield* Deferred.make<void>(),
          yield* Deferred.make<void>(),
          yield* Deferred.make<ReadonlyArray<number>>(),
        ];
        yield* first.bus.publish(topic, [ticked(1), ticked(2)]);
        yield* first.bus.consume(topic, "g", () =>
          Effect.andThen(Deferred.succeed(stuck, undefined), Deferred.await(wake)),
        );
        yield* Deferred.await(stuck);
        yield* second.bus.consume(topic, "g", (batch) =>
          Deferred.succeed(
            handled,
            batch.map(({ event }) => event.n),
          ),
        );
        // As if the first had not renewed for longer than its lease.
        yield* second.db.query("update bus_group set lease_until = now() - interval '1 second'");
        assert.deepStrictEqual(yield* Deferred.await(handled), [1, 2]);
        const owner = second.db.query("select owner, next_offset from bus_group");
        const committed = yield* Effect.repeat(owner, { until: ([row]) => row?.next_offset === 2 });
        yield* Deferred.succeed(wake, undefined);
        yield* Effect.sleep("300 millis");
        assert.deepStrictEqual(yield* owner, committed);
      }).pipe(Effect.scoped, Effect.timeout("30 seconds")),
    );
  });
}
