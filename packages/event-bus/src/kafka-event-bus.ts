import { randomUUID } from "node:crypto";
import { deadLettersTopic, type Topic } from "@sluice/contracts";
import * as Deferred from "effect/Deferred";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import { Kafka } from "kafkajs";
import { deadLetterRecord, type StoredRecord } from "./dead-letter.ts";
import { countsOf, deliver, publishedTotal, redelivery } from "./delivery.ts";
import { BusError, EventBus, type Handler } from "./event-bus.ts";
import { kafkaConfigOf } from "./kafka-config.ts";
import { kafkaConsumer } from "./kafka-consumer.ts";
import { committed, kafkaLag, type Subscribed } from "./kafka-lag.ts";
import { kafkaPublisher } from "./kafka-publisher.ts";
import { type KafkaEventBusSettings, KafkaUnreachable } from "./kafka-settings.ts";
import { KafkaTopics } from "./kafka-topics.ts";
import { encodeRecord, tooLarge } from "./record.ts";
import { traced } from "./trace-context.ts";

type AnyEvent = { readonly _tag: string };

const messageOf = (cause: unknown): string =>
  cause instanceof Error ? messageOf(cause.cause ?? cause.message) : String(cause);

const busError = (operation: BusError["operation"]) => (cause: unknown) =>
  new BusError({ operation, message: messageOf(cause) });

const make = Effect.fn("EventBus.kafka")(function* (settings: KafkaEventBusSettings) {
  const kafka = new Kafka(kafkaConfigOf(settings));
  const opened = Effect.gen(function* () {
    const admin = yield* Effect.acquireRelease(
      Effect.tryPromise(async () => {
        const connecting = kafka.admin();
        await connecting.connect();
        return connecting;
      }),
      (connected) => Effect.promise(() => connected.disconnect()),
    );
    return { admin, publisher: yield* kafkaPublisher(kafka, admin) };
  });
  const { admin, publisher } = yield* Effect.mapError(
    opened,
    (cause) => new KafkaUnreachable({ message: `no Kafka at ${settings.brokers.join(", ")}: ${messageOf(cause)}` }),
  );
  const subscriptions = new Set<Subscribed>();
  yield* kafkaLag(admin, subscriptions);
  /** Counted until the subscription's scope closes. */
  const counted = (subscribed: Subscribed) =>
    Effect.acquireRelease(
      Effect.sync(() => subscriptions.add(subscribed)),
      () => Effect.sync(() => subscriptions.delete(subscribed)),
    );
  const topics = new KafkaTopics(admin, settings.replicationFactor ?? 1);
  const partitionsOf = <Event extends AnyEvent>(topic: Topic<Event>) =>
    Effect.tryPromise({ try: () => topics.partitions(topic), catch: messageOf });

  /** The same record may be buried by several readers: its id is the same each time. */
  const bury = (topic: string) => (record: StoredRecord, reason: string) =>
    Effect.gen(function* () {
      const partitions = yield* partitionsOf(deadLettersTopic);
      yield* publisher.send(deadLettersTopic.name, partitions, [deadLetterRecord(topic, record, reason)]);
    }).pipe(Effect.retry(redelivery), Effect.orDie);

  const publish = Effect.fn("EventBus.publish")(function* <Event extends AnyEvent>(
    topic: Topic<Event>,
    events: ReadonlyArray<Event>,
  ) {
    if (events.length === 0) return;
    const records = events.map((event) => encodeRecord(topic, event));
    const refused = tooLarge(records);
    if (refused) return yield* new BusError({ operation: "publish", message: refused });
    const partitions = yield* Effect.mapError(partitionsOf(topic), busError("publish"));
    yield* Effect.mapError(publisher.send(topic.name, partitions, yield* traced(records)), busError("publish"));
    yield* publishedTotal(topic.name, events.length);
  });

  const consume = Effect.fn("EventBus.consume")(function* <Event extends AnyEvent, Failure>(
    topic: Topic<Event>,
    group: string,
    handler: Handler<Event, Failure>,
  ) {
    const services = yield* Effect.context<never>();
    const subscribed = Effect.gen(function* () {
      const concurrency = yield* partitionsOf(topic);
      // Members of one Kafka group share one subscription, so each topic has a group of its own.
      const groupId = `${group}.${topic.name}`;
      yield* countsOf(topic.name);
      yield* counted({ topic: topic.name, group, positions: committed(admin, groupId, topic.name) });
      yield* kafkaConsumer(kafka, services, {
        topic: topic.name,
        group: groupId,
        concurrency,
        handle: (records) => deliver(topic, records, handler, bury(topic.name)),
      });
    });
    yield* Effect.mapError(subscribed, busError("consume"));
  });

  const follow = Effect.fn("EventBus.follow")(function* <Event extends AnyEvent, Failure>(
    topic: Topic<Event>,
    handler: Handler<Event, Failure>,
  ) {
    const services = yield* Effect.context<never>();
    const caughtUp = yield* Deferred.make<void>();
    const group = `follow.${topic.name}.${randomUUID()}`;
    const subscribed = Effect.gen(function* () {
      yield* partitionsOf(topic);
      const ends = yield* Effect.tryPromise(() => admin.fetchTopicOffsets(topic.name));
      const behind = new Map(
        ends.filter(({ low, high }) => Number(high) > Number(low)).map((end) => [end.partition, Number(end.high)]),
      );
      if (behind.size === 0) yield* Deferred.succeed(caughtUp, undefined);
      const positions = new Map<number, number>();
      yield* countsOf(topic.name);
      yield* counted({ topic: topic.name, group: "follow", positions: async () => positions });
      // Runs after the consumer has left: a group that nobody will join again is only clutter on the broker.
      yield* Effect.addFinalizer(() => Effect.ignore(Effect.tryPromise(() => admin.deleteGroups([group]))));
      yield* kafkaConsumer(kafka, services, {
        topic: topic.name,
        group,
        concurrency: 1,
        handle: (records) => deliver(topic, records, handler, bury(topic.name)),
        onPosition: (partition, offset) => {
          positions.set(partition, offset);
          if (offset >= (behind.get(partition) ?? Number.POSITIVE_INFINITY)) behind.delete(partition);
          if (behind.size === 0) Deferred.doneUnsafe(caughtUp, Effect.void);
        },
      });
    });
    yield* Effect.mapError(subscribed, busError("follow"));
    yield* Deferred.await(caughtUp);
  });

  const check = Effect.mapError(
    Effect.tryPromise({ try: () => admin.describeCluster(), catch: messageOf }),
    busError("publish"),
  );
  return EventBus.of({ publish, consume, follow, check: Effect.asVoid(check) });
});

/**
 * Apache Kafka 4.1 or later, through kafkajs. Topics are created by their definition. Not exported by the package's front
 * door: an embedded start need not load the client.
 */
export const layerKafka = (settings: KafkaEventBusSettings): Layer.Layer<EventBus, KafkaUnreachable> =>
  Layer.effect(EventBus, make(settings));
