import type { Topic } from "@sluice/contracts";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import * as PubSub from "effect/PubSub";
import * as Result from "effect/Result";
import * as Schedule from "effect/Schedule";
import * as Semaphore from "effect/Semaphore";
import { BusError, EventBus, type Handler, type Received } from "./event-bus.ts";
import { decodeRecord, encodeRecord, type LogRecord, MAX_RECORD_BYTES } from "./record.ts";

type AnyEvent = { readonly _tag: string };

/** Longest batch handed to a handler. */
const BATCH_LIMIT = 500;
/** A failing handler sees its batch again after this, doubling up to a second. */
const redelivery = Schedule.min([Schedule.exponential("10 millis"), Schedule.spaced("1 second")]);

interface GroupProgress {
  readonly lock: Semaphore.Semaphore;
  next: number;
}

/** One partition per topic, kept for the life of the process. For tests; the conformance suite keeps it honest. */
const make = Effect.gen(function* () {
  const logs = new Map<string, Array<LogRecord>>();
  const groups = new Map<string, GroupProgress>();
  const published = yield* PubSub.unbounded<string>();

  const logOf = (topic: string) => {
    const log = logs.get(topic) ?? [];
    logs.set(topic, log);
    return log;
  };

  const deliver = <Event extends AnyEvent, Failure>(
    topic: Topic<Event>,
    from: number,
    handler: Handler<Event, Failure>,
  ) =>
    Effect.suspend(() => {
      const records = logOf(topic.name).slice(from, from + BATCH_LIMIT);
      const batch: Array<Received<Event>> = [];
      records.forEach((record, i) => {
        const decoded = decodeRecord(topic, record);
        if (Result.isSuccess(decoded))
          batch.push({ event: decoded.success, topic: topic.name, partition: 0, offset: from + i });
      });
      const handled = batch.length === 0 ? Effect.void : Effect.retry(handler(batch), redelivery);
      return Effect.as(handled, from + records.length);
    });

  const waitForMore = (topic: string, next: number, subscription: PubSub.Subscription<string>) =>
    Effect.whileLoop({
      while: () => logOf(topic).length <= next,
      body: () => PubSub.take(subscription),
      step: () => {},
    });

  const follow = Effect.fn("EventBus.follow")(function* <Event extends AnyEvent, Failure>(
    topic: Topic<Event>,
    handler: Handler<Event, Failure>,
  ) {
    const subscription = yield* PubSub.subscribe(published);
    const end = logOf(topic.name).length;
    let next = 0;
    while (next < end) next = yield* Effect.orDie(deliver(topic, next, handler));
    yield* Effect.forkScoped(
      Effect.forever(
        Effect.gen(function* () {
          yield* waitForMore(topic.name, next, subscription);
          next = yield* deliver(topic, next, handler);
        }),
      ),
    );
  });

  const consume = Effect.fn("EventBus.consume")(function* <Event extends AnyEvent, Failure>(
    topic: Topic<Event>,
    group: string,
    handler: Handler<Event, Failure>,
  ) {
    const key = `${group}/${topic.name}`;
    const progress = groups.get(key) ?? { lock: yield* Semaphore.make(1), next: 0 };
    groups.set(key, progress);
    const subscription = yield* PubSub.subscribe(published);
    const step = Effect.gen(function* () {
      progress.next = yield* deliver(topic, progress.next, handler);
    });
    yield* Effect.forkScoped(
      Effect.forever(
        Effect.gen(function* () {
          yield* waitForMore(topic.name, progress.next, subscription);
          yield* Semaphore.withPermit(progress.lock, step);
        }),
      ),
    );
  });

  const publish = Effect.fn("EventBus.publish")(function* <Event extends AnyEvent>(
    topic: Topic<Event>,
    events: ReadonlyArray<Event>,
  ) {
    const records = events.map((event) => encodeRecord(topic, event));
    const large = records.find((record) => record.value.length > MAX_RECORD_BYTES);
    if (large)
      return yield* new BusError({
        operation: "publish",
        message: `event ${large.headers.ce_id} has ${large.value.length} bytes, more than ${MAX_RECORD_BYTES}`,
      });
    logOf(topic.name).push(...records);
    yield* PubSub.publish(published, topic.name);
  });

  return EventBus.of({ publish, consume, follow });
});

/** In memory, for tests. */
export const layerMemory: Layer.Layer<EventBus> = Layer.effect(EventBus, make);
