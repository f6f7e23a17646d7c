import { type JudgementEvent, judgementsTopic, type ObservationEvent, observationsTopic } from "@sluice/contracts";
import { EventBus, type Received } from "@sluice/event-bus";
import { TelemetryStore } from "@sluice/telemetry";
import * as Effect from "effect/Effect";

/**
 * Moves observations and judgements from the bus into the telemetry store, a delivered batch at a time. A failed insert is
 * delivered again, and inserts are idempotent: nothing is lost and nothing counts twice.
 */
export const telemetryIngest = Effect.fn("telemetryIngest")(function* () {
  const bus = yield* EventBus;
  const store = yield* TelemetryStore;
  yield* bus.consume(observationsTopic, "telemetry", (batch: ReadonlyArray<Received<ObservationEvent>>) => {
    const recorded = batch.flatMap(({ event }) => (event._tag === "ObservationsRecorded" ? [event] : []));
    const pairs = batch.flatMap(({ event }) => (event._tag === "ShadowPairRecorded" ? [event] : []));
    const last = batch.at(-1);
    // Observations last: they carry how far the topic has been stored.
    return Effect.andThen(
      pairs.length === 0 ? Effect.void : logged(store.insertPairs(pairs)),
      recorded.length === 0 || !last ? Effect.void : logged(store.insertObservations(recorded, last)),
    );
  });
  yield* bus.consume(judgementsTopic, "telemetry", (batch: ReadonlyArray<Received<JudgementEvent>>) =>
    logged(store.insertJudgements(batch.map(({ event }) => event))),
  );
});

const logged = <A, E extends { readonly message: string }, R>(insert: Effect.Effect<A, E, R>) =>
  Effect.tapError(insert, (error) => Effect.logWarning(`telemetry waits to be stored: ${error.message}`));
