import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EventBus, layerPostgres } from "@sluice/event-bus";
import { layerKafka } from "@sluice/event-bus/kafka-event-bus";
import { testBroker } from "@sluice/event-bus/kafka-test-broker";
import { Database, layerPGlite } from "@sluice/postgres";
import * as Context from "effect/Context";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import type * as Scope from "effect/Scope";

export type Bus = EventBus["Service"];

export interface MeasuredBus {
  readonly name: string;
  /** One more instance on the same log, as another service has. */
  readonly open: Effect.Effect<Bus, unknown, Scope.Scope>;
  readonly brokers: ReadonlyArray<string>;
}

/** The topic log of the embedded stack: one database in this process, which all share. */
const onPGlite: Effect.Effect<MeasuredBus, unknown, Scope.Scope> = Effect.gen(function* () {
  const folder = yield* Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "sluice-bench-"))),
    (made) => Effect.sync(() => rmSync(made, { recursive: true, force: true })),
  );
  const built = yield* Layer.build(layerPGlite({ directory: join(folder, "postgres") }));
  const database = Layer.succeed(Database, Context.get(built, Database));
  const bus = yield* Layer.build(Layer.provide(layerPostgres(), database));
  return { name: "topic log on PGlite", open: Effect.succeed(Context.get(bus, EventBus)), brokers: [] };
});

const onKafka: Effect.Effect<MeasuredBus | null, unknown, Scope.Scope> = Effect.gen(function* () {
  const broker = yield* Effect.acquireRelease(
    Effect.promise(() => testBroker()),
    (started) => Effect.promise(() => ("skipped" in started ? Promise.resolve() : started.remove())),
  );
  if ("skipped" in broker) {
    yield* Effect.logWarning(`Kafka is not measured: ${broker.skipped}`);
    return null;
  }
  const { brokers } = broker;
  const open = Effect.map(Layer.build(Layer.fresh(layerKafka({ brokers }))), (built) => Context.get(built, EventBus));
  return { name: "Apache Kafka", open, brokers };
});

export const measuredBuses: Effect.Effect<ReadonlyArray<MeasuredBus>, unknown, Scope.Scope> = Effect.gen(function* () {
  const kafka = yield* onKafka;
  return [yield* onPGlite, ...(kafka ? [kafka] : [])];
});
