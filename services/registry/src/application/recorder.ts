import { type ReleaseEvent, releaseStateTopic, releasesTopic, timestampOf } from "@sluice/contracts";
import { type BusError, EventBus, type Received } from "@sluice/event-bus";
import { EventStore, type EventStoreError, type RecordedEvent } from "@sluice/event-store";
import { type ApplicationState, type Applications, foldEvent, releaseStateOf } from "@sluice/release";
import { TelemetryStore } from "@sluice/telemetry";
import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import * as Latch from "effect/Latch";
import * as PubSub from "effect/PubSub";
import * as Queue from "effect/Queue";
import * as Schedule from "effect/Schedule";
import type * as Scope from "effect/Scope";
import * as Semaphore from "effect/Semaphore";
import type { RegistrySettings } from "../settings.ts";

export interface Recorder {
  /** Says that this registry appended rows. One hint stands for all before it: the store is the truth. */
  readonly appended: PubSub.PubSub<void>;
  /** Waits until the record holds all that led to these states: who was answered finds it there. */
  readonly reached: (applications: Applications) => Effect.Effect<void>;
}

/** Rows read from the store at a time when the analysts' table is filled again. */
const PAGE = 500;

/**
 * Keeps the record: every event of the log with the fold's answer goes to the event store, in log order. From there the
 * release states and the analysts' table follow; when those fail, the record goes on without them.
 */
export const startRecorder = Effect.fn("startRecorder")(function* (
  settings: RegistrySettings,
): Effect.fn.Return<Recorder, BusError | EventStoreError, EventBus | EventStore | TelemetryStore | Scope.Scope> {
  const bus = yield* EventBus;
  const store = yield* EventStore;
  const appended = yield* PubSub.sliding<void>(1);
  const toAnalysts = yield* startAnalystsTable(settings);
  const folded = new Map<string, ApplicationState>();
  const progressed = Latch.makeUnsafe(false);
  // One at a time, so that an older state never comes after a newer one.
  const publishing = yield* Semaphore.make(1);
  let caughtUp = false;

  const publishStates = (states: ReadonlyArray<ApplicationState>) =>
    states.length === 0 ? Effect.void : bus.publish(releaseStateTopic, states.map(releaseStateOf));

  const record = Effect.fnUntraced(function* (batch: ReadonlyArray<Received<ReleaseEvent>>) {
    const { records, changed } = foldBatch(folded, batch);
    const rows = yield* store.append(records, timestampOf(yield* Clock.currentTimeMillis));
    // Told before anything else can fail: a redelivered batch has no new rows and would be told to nobody.
    if (rows.length > 0) {
      yield* PubSub.publish(appended, undefined);
      yield* Queue.offer(toAnalysts, undefined);
    }
    // Publishing a state again is harmless (compacted, versioned), missing one is not: so it comes before the batch
    // counts, and does not depend on whether its rows are new. History is not told state by state, see below.
    yield* Semaphore.withPermit(
      publishing,
      Effect.gen(function* () {
        if (caughtUp) yield* publishStates([...changed.values()]);
        // Only now: a batch that failed half-way is delivered again and must meet the state it met at first.
        for (const [name, state] of changed) folded.set(name, state);
      }),
    );
    progressed.openUnsafe();
  });

  yield* bus.follow(releasesTopic, record);
  // A stop between an append and its publication may have left any of them untold.
  yield* Semaphore.withPermit(
    publishing,
    Effect.suspend(() => {
      caughtUp = true;
      return publishStates([...folded.values()]);
    }),
  );

  const reached = Effect.fnUntraced(function* (applications: Applications) {
    const wanted = [...applications].map(([name, { version }]) => [name, version] as const);
    while (wanted.some(([name, version]) => (folded.get(name)?.version ?? 0) < version)) {
      progressed.closeUnsafe();
      yield* progressed.await;
    }
  });
  return { appended, reached };
});

/** The batch with the fold's answers, and the states it leads to; `folded` is left as it is. */
const foldBatch = (folded: Applications, batch: ReadonlyArray<Received<ReleaseEvent>>) => {
  const states = new Map(folded);
  const changed = new Map<string, ApplicationState>();
  const records: Array<RecordedEvent> = [];
  for (const { event, partition, offset } of batch) {
    const { state, refusal } = foldEvent(states, event);
    if (!refusal) {
      states.set(event.application, state);
      changed.set(event.application, state);
    }
    // A decision taken twice is one event: that a second instance or a retry repeated it is no part of the record.
    if (refusal?.code !== "duplicate") records.push({ event, partition, offset, refusal });
  }
  return { records, changed };
};

/** Follows the event store into ClickHouse, from the start: inserting a row twice changes nothing. */
const startAnalystsTable = Effect.fn("startAnalystsTable")(function* (settings: RegistrySettings) {
  const store = yield* EventStore;
  const telemetry = yield* TelemetryStore;
  const signal = yield* Queue.sliding<void>(1);
  const patience = Schedule.min([Schedule.exponential(settings.retryMs), Schedule.spaced(settings.maxRetryMs)]);
  let position = 0;
  const nextPage = Effect.gen(function* () {
    const rows = yield* store.read({ after: position, limit: PAGE });
    if (rows.length > 0)
      yield* telemetry.insertReleaseEvents(
        rows.map((row) => ({ event: JSON.parse(row.payload) as ReleaseEvent, accepted: row.refusal === null })),
      );
    position = rows.at(-1)?.position ?? position;
    return rows.length;
  }).pipe(Effect.retry(patience));
  const drain = Effect.repeat(nextPage, { while: (rows) => rows === PAGE });
  yield* Effect.forkScoped(Effect.andThen(drain, Effect.forever(Effect.andThen(Queue.take(signal), drain))));
  return signal;
});
