import {
  type DeadLetter,
  deadLettersTopic,
  EVERY_APPLICATION,
  type ReleaseEvent,
  releaseStateTopic,
  releasesTopic,
  timestampOf,
} from "@sluice/contracts";
import { type BusError, EventBus, type Received } from "@sluice/event-bus";
import { deadLetterPartition, EventStore, type EventStoreError, type RecordedEvent } from "@sluice/event-store";
import { type ApplicationState, type Applications, foldEvent, releaseStateOf } from "@sluice/release";
import type { TelemetryStore } from "@sluice/telemetry";
import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import * as Latch from "effect/Latch";
import * as PubSub from "effect/PubSub";
import * as Queue from "effect/Queue";
import type * as Scope from "effect/Scope";
import * as Semaphore from "effect/Semaphore";
import type { RegistrySettings } from "../settings.ts";
import { startAnalystsTable } from "./analysts-table.ts";

export interface Recorder {
  /** Says that this registry appended rows. One hint stands for all before it: the store is the truth. */
  readonly appended: PubSub.PubSub<void>;
  /** Waits until the record holds all that led to these states: who was answered finds it there. */
  readonly reached: (applications: Applications) => Effect.Effect<void>;
  /** How long the record has been behind these states, in ms; 0 when it has them. Asked often, it is exact to the asking. */
  readonly behindMs: (applications: Applications, nowMs: number) => number;
}

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

  // The name that stands for all applications is none itself: what it says reaches each as its own state.
  const publishStates = (states: ReadonlyArray<ApplicationState>) => {
    const told = states.filter(({ application }) => application !== EVERY_APPLICATION).map(releaseStateOf);
    return told.length === 0 ? Effect.void : bus.publish(releaseStateTopic, told);
  };

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

  // A record that could not be decoded stood in the log all the same. It changes nothing, so its turn does not matter.
  const recordDeadLetters = Effect.fnUntraced(function* (batch: ReadonlyArray<Received<DeadLetter>>) {
    const records = batch
      .filter(({ event }) => event.topic === releasesTopic.name)
      .map(({ event }) => ({
        partition: deadLetterPartition(event.partition),
        offset: event.offset,
        event,
        refusal: { code: "undecodable", sentence: event.reason },
      }));
    const rows = yield* store.append(records, timestampOf(yield* Clock.currentTimeMillis));
    if (rows.length > 0) yield* PubSub.publish(appended, undefined);
  });

  yield* bus.follow(deadLettersTopic, recordDeadLetters);
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
    const wanted = versionsOf(applications);
    while (isBehind(folded, wanted)) {
      progressed.closeUnsafe();
      yield* progressed.await;
    }
  });

  // A busy log is always a little ahead. What counts is since when nothing of what was wanted has been recorded.
  let lagging: { readonly wanted: Versions; readonly sinceMs: number } | null = null;
  const behindMs = (applications: Applications, nowMs: number) => {
    if (lagging && !isBehind(folded, lagging.wanted)) lagging = null;
    const wanted = versionsOf(applications);
    if (!lagging && isBehind(folded, wanted)) lagging = { wanted, sinceMs: nowMs };
    return lagging ? nowMs - lagging.sinceMs : 0;
  };
  return { appended, reached, behindMs };
});

type Versions = ReadonlyArray<readonly [string, number]>;
const versionsOf = (applications: Applications): Versions =>
  [...applications].map(([name, { version }]) => [name, version]);
const isBehind = (folded: Applications, wanted: Versions): boolean =>
  wanted.some(([name, version]) => (folded.get(name)?.version ?? 0) < version);

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
