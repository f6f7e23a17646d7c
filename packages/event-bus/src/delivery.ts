import type { Topic } from "@sluice/contracts";
import * as Cause from "effect/Cause";
import * as Effect from "effect/Effect";
import * as Metric from "effect/Metric";
import * as Result from "effect/Result";
import * as Schedule from "effect/Schedule";
import type { StoredRecord } from "./dead-letter.ts";
import type { Handler, Received } from "./event-bus.ts";
import { decodeRecord } from "./record.ts";
import { handledIn } from "./trace-context.ts";

type AnyEvent = { readonly _tag: string };

/** Longest batch handed to a handler. */
export const BATCH_LIMIT = 500;
/** A batch ends early when its values reach this size, so that a backlog of large records does not fill the memory. */
export const BATCH_BYTES = 8 * 1_024 * 1_024;

/** What failed is tried again after this, doubling up to a second: order is kept, so it holds up its partition. */
export const redelivery = Schedule.min([Schedule.exponential("10 millis"), Schedule.spaced("1 second")]);

const published = Metric.counter("sluice_bus_published_total", { description: "Events published", incremental: true });
export const publishedTotal = (topic: string, events: number): Effect.Effect<void> =>
  Metric.update(Metric.withAttributes(published, { topic }), events);

const handledTotal = Metric.counter("sluice_bus_handled_total", { description: "Events handled", incremental: true });
const redeliveriesTotal = Metric.counter("sluice_bus_redeliveries_total", {
  description: "Batches delivered again because their handler failed",
  incremental: true,
});
const deadLettersTotal = Metric.counter("sluice_bus_dead_letters_total", {
  description: "Records that could not be decoded",
  incremental: true,
});

/** Says zero of what has not happened yet: a counter that appears with its first event is no rise to who watches it. */
export const countsOf = (topic: string): Effect.Effect<void> =>
  Effect.forEach(
    [handledTotal, redeliveriesTotal, deadLettersTotal],
    (counter) => Metric.update(Metric.withAttributes(counter, { topic }), 0),
    { discard: true },
  );

/** Puts an unreadable record to the dead letters; doing so again for the same record changes nothing. */
export type Bury<E> = (record: StoredRecord, reason: string) => Effect.Effect<void, E>;

/**
 * Hands records of one partition to the handler until it succeeds. Unreadable ones go to the dead letters first, and
 * never stop the partition. Fails only when the dead letters cannot be written.
 */
export const deliver = <Event extends AnyEvent, Failure, E>(
  topic: Topic<Event>,
  records: ReadonlyArray<StoredRecord>,
  handler: Handler<Event, Failure>,
  bury: Bury<E>,
): Effect.Effect<void, E> =>
  Effect.gen(function* () {
    const batch: Array<Received<Event>> = [];
    for (const record of records) {
      const decoded = decodeRecord(topic, record);
      if (Result.isSuccess(decoded)) {
        const { partition, offset } = record;
        batch.push({ event: decoded.success, topic: topic.name, partition, offset });
      } else {
        yield* bury(record, decoded.failure);
        yield* Metric.update(Metric.withAttributes(deadLettersTotal, { topic: topic.name }), 1);
      }
    }
    if (batch.length === 0) return;
    yield* untilHandled(topic.name, handledIn(topic.name, records)(Effect.suspend(() => handler(batch))));
    yield* Metric.update(Metric.withAttributes(handledTotal, { topic: topic.name }), batch.length);
  });

/** A defect is redelivered like a failure: a bug in a handler must not end its subscription without a word. */
const untilHandled = <Failure>(topic: string, handled: Effect.Effect<void, Failure>): Effect.Effect<void> => {
  const attempt = Effect.catchCause(handled, (cause) => {
    if (Cause.hasInterruptsOnly(cause)) return Effect.interrupt;
    return Metric.update(Metric.withAttributes(redeliveriesTotal, { topic }), 1).pipe(
      Effect.andThen(Effect.logWarning(`a handler of ${topic} failed; its batch is delivered again`, cause)),
      Effect.andThen(Effect.fail("redeliver" as const)),
    );
  });
  return Effect.retry(attempt, redelivery).pipe(Effect.orDie);
};
