import type { Topic } from "@sluice/contracts";
import { BusError, EventBus, type Handler, type Received } from "@sluice/event-bus";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import * as PubSub from "effect/PubSub";
import * as Schedule from "effect/Schedule";
import * as Semaphore from "effect/Semaphore";
import type { Random } from "./random.ts";

type AnyEvent = { readonly _tag: string };

const redelivery = Schedule.spaced("200 millis");

export interface Weather {
  /** While false nothing fails and nothing comes twice; it still takes its time. */
  stormy: boolean;
}

/** Called with each event as it is appended, before anybody hears of it. */
export type OnAppend = (topic: string, event: AnyEvent) => void;

/**
 * A bus as bad as its contract allows: publications fail before or after they were made, or are made twice; batches come
 * late, in any size, and again. Order in a topic is kept, and a compacted topic forgets all but the last record of a key.
 */
export const layerFaulty = (random: Random, weather: Weather, onAppend: OnAppend): Layer.Layer<EventBus> =>
  Layer.effect(
    EventBus,
    Effect.gen(function* () {
      const logs = new Map<string, Array<Received<AnyEvent>>>();
      const published = yield* PubSub.unbounded<void>();
      const groups = new Map<string, { readonly lock: Semaphore.Semaphore; next: number }>();
      const storm = (probability: number) => weather.stormy && random.chance(probability);
      const delay = (longestMs: number) => Effect.suspend(() => Effect.sleep(random.upTo(longestMs)));

      const logOf = (topic: string) => {
        const log = logs.get(topic) ?? [];
        logs.set(topic, log);
        return log;
      };
      const append = (topic: string, events: ReadonlyArray<AnyEvent>) => {
        const log = logOf(topic);
        for (const event of events) {
          log.push({ event, topic, partition: 0, offset: log.length });
          onAppend(topic, event);
        }
      };

      const publish = Effect.fnUntraced(function* <Event extends AnyEvent>(
        topic: Topic<Event>,
        events: ReadonlyArray<Event>,
      ) {
        const failure = new BusError({ operation: "publish", message: "the simulated bus is away" });
        yield* delay(60);
        if (storm(0.03)) return yield* failure;
        append(topic.name, events);
        if (storm(0.04)) append(topic.name, events);
        yield* PubSub.publish(published, undefined);
        // It was published, and who did it does not know.
        if (storm(0.03)) return yield* failure;
      });

      const deliver = <Event extends AnyEvent, Failure>(
        batch: ReadonlyArray<Received<AnyEvent>>,
        handler: Handler<Event, Failure>,
      ) => {
        const handled = Effect.retry(
          Effect.catchDefect(handler(batch as ReadonlyArray<Received<Event>>), () => Effect.fail("defect" as const)),
          { schedule: redelivery },
        ).pipe(Effect.orDie);
        return Effect.suspend(() => (storm(0.05) ? Effect.andThen(handled, handled) : handled));
      };
      const batchFrom = (topic: string, from: number) => logOf(topic).slice(from, from + 1 + random.upTo(15));
      const waitFor = (topic: string, next: number, subscription: PubSub.Subscription<void>) =>
        Effect.whileLoop({
          while: () => logOf(topic).length <= next,
          body: () => PubSub.take(subscription),
          step: () => {},
        });

      const follow = Effect.fnUntraced(function* <Event extends AnyEvent, Failure>(
        topic: Topic<Event>,
        handler: Handler<Event, Failure>,
      ) {
        const subscription = yield* PubSub.subscribe(published);
        let next = logOf(topic.name).length;
        const past = topic.retention === "compacted" ? compacted(topic, logOf(topic.name)) : logOf(topic.name).slice();
        for (let i = 0; i < past.length; ) {
          const batch = past.slice(i, i + 1 + random.upTo(15));
          yield* delay(20);
          yield* deliver(batch, handler);
          i += batch.length;
        }
        yield* Effect.forkScoped(
          Effect.forever(
            Effect.gen(function* () {
              yield* waitFor(topic.name, next, subscription);
              yield* delay(120);
              const batch = batchFrom(topic.name, next);
              yield* deliver(batch, handler);
              next += batch.length;
            }),
          ),
        );
      });

      const consume = Effect.fnUntraced(function* <Event extends AnyEvent, Failure>(
        topic: Topic<Event>,
        group: string,
        handler: Handler<Event, Failure>,
      ) {
        const key = `${group}/${topic.name}`;
        const progress = groups.get(key) ?? { lock: yield* Semaphore.make(1), next: 0 };
        groups.set(key, progress);
        const subscription = yield* PubSub.subscribe(published);
        const step = Effect.gen(function* () {
          const batch = batchFrom(topic.name, progress.next);
          yield* deliver(batch, handler);
          progress.next += batch.length;
          // A rebalance before the commit: the group goes back a little.
          if (storm(0.03)) progress.next = Math.max(0, progress.next - random.upTo(10));
        });
        yield* Effect.forkScoped(
          Effect.forever(
            Effect.gen(function* () {
              yield* waitFor(topic.name, progress.next, subscription);
              yield* delay(120);
              yield* Semaphore.withPermit(progress.lock, step);
            }),
          ),
        );
      });

      return EventBus.of({ publish, consume, follow });
    }),
  );

/** The last record of each key, in order. */
const compacted = <Event extends AnyEvent>(topic: Topic<Event>, log: ReadonlyArray<Received<AnyEvent>>) => {
  const last = new Map(log.map((record) => [topic.keyOf(record.event as Event), record]));
  return log.filter((record) => last.get(topic.keyOf(record.event as Event)) === record);
};
