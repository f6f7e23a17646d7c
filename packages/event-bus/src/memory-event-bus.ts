import { deadLettersTopic, type Topic } from "@sluice/contracts";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import * as PubSub from "effect/PubSub";
import * as Semaphore from "effect/Semaphore";
import { deadLetterRecord, deadLetterRecordId, type StoredRecord } from "./dead-letter.ts";
import { BATCH_LIMIT, deliver } from "./delivery.ts";
import { BusError, EventBus, type Handler } from "./event-bus.ts";
import { encodeRecord, type LogRecord, tooLarge } from "./record.ts";
import { traced } from "./trace-context.ts";

type AnyEvent = { readonly _tag: string };

interface GroupProgress {
  readonly lock: Semaphore.Semaphore;
  next: number;
}

/** One partition per topic, kept for the life of the process. For tests; the conformance suite keeps it honest. */
const make = Effect.gen(function* () {
  const logs = new Map<string, Array<StoredRecord>>();
  const buried = new Set<string>();
  const groups = new Map<string, GroupProgress>();
  const published = yield* PubSub.unbounded<string>();

  const logOf = (topic: string) => {
    const log = logs.get(topic) ?? [];
    logs.set(topic, log);
    return log;
  };

  const append = (topic: string, records: ReadonlyArray<LogRecord>) => {
    const log = logOf(topic);
    for (const record of records) log.push({ ...record, partition: 0, offset: log.length });
    return PubSub.publish(published, topic);
  };

  const bury = (topic: string) => (record: StoredRecord, reason: string) =>
    Effect.suspend(() => {
      const id = deadLetterRecordId(topic, record);
      if (buried.has(id)) return Effect.void;
      buried.add(id);
      return append(deadLettersTopic.name, [deadLetterRecord(topic, record, reason)]);
    });

  const deliverFrom = <Event extends AnyEvent, Failure>(
    topic: Topic<Event>,
    from: number,
    handler: Handler<Event, Failure>,
  ) =>
    Effect.suspend(() => {
      const records = logOf(topic.name).slice(from, from + BATCH_LIMIT);
      return Effect.as(deliver(topic, records, handler, bury(topic.name)), from + records.length);
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
    while (next < end) next = yield* deliverFrom(topic, next, handler);
    yield* Effect.forkScoped(
      Effect.forever(
        Effect.gen(function* () {
          yield* waitForMore(topic.name, next, subscription);
          next = yield* deliverFrom(topic, next, handler);
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
      progress.next = yield* deliverFrom(topic, progress.next, handler);
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
    const refused = tooLarge(records);
    if (refused) return yield* new BusError({ operation: "publish", message: refused });
    yield* append(topic.name, yield* traced(records));
  });

  return EventBus.of({ publish, consume, follow });
});

/** In memory, for tests. */
export const layerMemory: Layer.Layer<EventBus> = Layer.effect(EventBus, make);
