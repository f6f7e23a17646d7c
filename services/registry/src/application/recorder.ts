import { type ReleaseEvent, releaseStateTopic, releasesTopic, timestampOf } from "@sluice/contracts";
import { type BusError, EventBus, type Received } from "@sluice/event-bus";
import { EventStore, type EventStoreError, type RecordedEvent, type StoredEvent } from "@sluice/event-store";
import { type ApplicationState, foldEvent, releaseStateOf } from "@sluice/release";
import { TelemetryStore } from "@sluice/telemetry";
import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import * as PubSub from "effect/PubSub";
import * as Queue from "effect/Queue";
import * as Schedule from "effect/Schedule";
import type * as Scope from "effect/Scope";
import type { RegistrySettings } from "../settings.ts";

export interface Recorder {
  /** Rows as they are appended by this registry. A hint for streams: the store is the truth. */
  readonly appended: PubSub.PubSub<StoredEvent>;
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
  const appended = yield* PubSub.unbounded<StoredEvent>();
  const toAnalysts = yield* startAnalystsTable(settings);
  const folded = new Map<string, ApplicationState>();

  const record = Effect.fnUntraced(function* (batch: ReadonlyArray<Received<ReleaseEvent>>) {
    const before = new Map(folded);
    const records: Array<RecordedEvent> = [];
    const changed = new Set<ApplicationState["application"]>();
    for (const { event, partition, offset } of batch) {
      const { state, refusal } = foldEvent(before, event);
      if (!refusal) {
        before.set(event.application, state);
        changed.add(event.application);
      }
      records.push({ event, partition, offset, refusal });
    }
    const now = timestampOf(yield* Clock.currentTimeMillis);
    const rows = yield* store.append(records, now);
    // Publishing a state again is harmless (compacted, versioned); missing one is not: so it comes before the batch counts.
    const states = [...changed].map((name) => before.get(name)).filter((state) => state !== undefined);
    if (rows.length > 0) yield* bus.publish(releaseStateTopic, states.map(releaseStateOf));
    // Only now: a batch that failed half-way is delivered again and must meet the state it met at first.
    for (const [name, state] of before) folded.set(name, state);
    for (const row of rows) yield* PubSub.publish(appended, row);
    if (rows.length > 0) yield* Queue.offer(toAnalysts, undefined);
  });

  yield* bus.follow(releasesTopic, record);
  return { appended };
});

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
