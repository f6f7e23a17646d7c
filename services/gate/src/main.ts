import * as NodeRuntime from "@effect/platform-node/NodeRuntime";
import { layerPostgres as artifactsOnPostgres } from "@sluice/artifact-store";
import { layerPostgres as busOnPostgres } from "@sluice/event-bus";
import { layerKafka } from "@sluice/event-bus/kafka-event-bus";
import { layerPg } from "@sluice/postgres";
import { ReleaseLog } from "@sluice/release-log";
import * as Cause from "effect/Cause";
import * as Config from "effect/Config";
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import * as Layer from "effect/Layer";
import * as Logger from "effect/Logger";
import * as Redacted from "effect/Redacted";
import { gateService } from "./application/gate-service.ts";

const environment = Config.all({
  postgresUrl: Config.Redacted("SLUICE_POSTGRES_URL"),
  /** Comma-separated; without it the topic log is on PostgreSQL too. */
  kafkaBrokers: Config.String("SLUICE_KAFKA_BROKERS").pipe(Config.withDefault("")),
});

/** The gate as a process of its own: artifacts on PostgreSQL, the log on Kafka or PostgreSQL. */
const main = Effect.gen(function* () {
  const { postgresUrl, kafkaBrokers } = yield* environment;
  const database = layerPg({ connectionString: Redacted.value(postgresUrl) });
  const brokers = kafkaBrokers.split(",").filter((broker) => broker.trim() !== "");
  const bus = brokers.length > 0 ? layerKafka({ brokers, clientId: "sluice-gate" }) : busOnPostgres();
  const ports = ReleaseLog.layer.pipe(
    Layer.provideMerge(Layer.mergeAll(bus, artifactsOnPostgres).pipe(Layer.provide(database))),
  );
  return yield* Layer.launch(Layer.effectDiscard(gateService()).pipe(Layer.provide(ports)));
}).pipe(Effect.provide(Logger.layer([Logger.consoleJson])));

NodeRuntime.runMain(main, {
  // A stop that was asked for is no failure.
  teardown: (exit, done) => done(Exit.isSuccess(exit) || Cause.hasInterruptsOnly(exit.cause) ? 0 : 1),
});
