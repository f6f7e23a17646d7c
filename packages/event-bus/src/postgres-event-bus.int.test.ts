import { assert, it } from "@effect/vitest";
import { gatewaysTopic, timestampOf } from "@sluice/contracts";
import { Database, DatabaseError, layerPGlite } from "@sluice/postgres";
import * as Context from "effect/Context";
import * as Deferred from "effect/Deferred";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import * as ManagedRuntime from "effect/ManagedRuntime";
import * as Schema from "effect/Schema";
import { afterAll } from "vitest";
import { EventBus } from "./event-bus.ts";
import { eventBusConformance } from "./event-bus-conformance.ts";
import { layerPostgres } from "./postgres-event-bus.ts";
import { prune } from "./postgres-retention.ts";

const runtime = ManagedRuntime.make(layerPGlite({ directory: null }));
afterAll(() => runtime.dispose());
const database = Effect.map(runtime.contextEffect, (context) => Context.get(context, Database));

const open = Effect.gen(function* () {
  const bus = Layer.provide(Layer.fresh(layerPostgres()), Layer.effect(Database, database));
  return Context.get(yield* Layer.build(bus), EventBus);
});

eventBusConformance("the bus on PGlite", open, {
  compact: (topic) => Effect.flatMap(database, (db) => Effect.asVoid(prune(db, topic))),
});

const report = (gatewayId: string, n: number) => ({
  _tag: "GatewayReported" as const,
  gatewayId,
  at: timestampOf(n),
  live: true,
  routing: {},
  candidateLastServedAt: {},
  dropped: { observations: 0, payloads: 0, mirrored: 0 },
});

it.live("compaction keeps the last record of each key, and a new follower sees it", () =>
  Effect.gen(function* () {
    const bus = yield* open;
    const db = yield* database;
    for (let n = 0; n < 5; n++) yield* bus.publish(gatewaysTopic, [report("one", n), report("two", n)]);
    assert.strictEqual(yield* prune(db, gatewaysTopic), 8);
    const seen: Array<string> = [];
    yield* bus.follow(gatewaysTopic, (batch) =>
      Effect.sync(() => void seen.push(...batch.map(({ event }) => `${event.gatewayId} ${event.at}`))),
    );
    assert.deepStrictEqual(seen, [`one ${timestampOf(4)}`, `two ${timestampOf(4)}`]);
  }),
);

it.live("retention by age deletes what is older, and nothing else", () =>
  Effect.gen(function* () {
    const bus = yield* open;
    const db = yield* database;
    const schema = Schema.TaggedStruct("Ticked", { n: Schema.Int });
    const topic = {
      name: "retention.days",
      schema,
      retention: { days: 7 },
      partitions: 1,
      keyOf: () => "k",
      idOf: (event: typeof schema.Type) => String(event.n),
    };
    yield* bus.publish(topic, [
      { _tag: "Ticked", n: 0 },
      { _tag: "Ticked", n: 1 },
    ]);
    yield* db.query(`update bus_record set at = now() - interval '8 days' where topic = $1 and "offset" = 0`, [
      topic.name,
    ]);
    assert.strictEqual(yield* prune(db, topic), 1);
    const seen: Array<number> = [];
    yield* bus.follow(topic, (batch) => Effect.sync(() => void seen.push(...batch.map(({ event }) => event.n))));
    assert.deepStrictEqual(seen, [1]);
  }),
);

it.live("a dead letter that was rolled back is buried by the next try, and its partition goes on", () =>
  Effect.gen(function* () {
    // A database of its own: the topic of the dead letters must not be there yet.
    const db = yield* Database;
    const failures = { left: 1 };
    const flaky = Database.of({
      ...db,
      query: (text, parameters) => {
        if (failures.left === 0 || !text.includes("bus_buried")) return db.query(text, parameters);
        failures.left -= 1;
        return Effect.fail(
          new DatabaseError({ operation: "query", message: "the connection was lost", sqlState: null }),
        );
      },
    });
    const bus = Context.get(
      yield* Layer.build(Layer.provide(Layer.fresh(layerPostgres()), Layer.succeed(Database, flaky))),
      EventBus,
    );
    const schema = Schema.TaggedStruct("Ticked", { n: Schema.Int });
    const topic = {
      name: "half.readable",
      schema,
      retention: { days: 7 },
      partitions: 1,
      keyOf: () => "k",
      idOf: (event: typeof schema.Type) => String(event.n),
    };
    const handled = yield* Deferred.make<number>();
    yield* bus.follow(topic, ([first]) => (first ? Deferred.succeed(handled, first.event.n) : Effect.void));
    // As an older sender had it, which this reader cannot decode.
    const older = { ...topic, schema: Schema.TaggedStruct("Ticked", { n: Schema.Finite }) };
    yield* bus.publish(older, [{ _tag: "Ticked", n: 0.5 }]);
    yield* bus.publish(topic, [{ _tag: "Ticked", n: 1 }]);
    assert.strictEqual(yield* Deferred.await(handled), 1);
    assert.strictEqual(failures.left, 0);
  }).pipe(Effect.scoped, Effect.provide(layerPGlite({ directory: null })), Effect.timeout("20 seconds")),
);
