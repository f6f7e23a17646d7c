import { type EventId, type ReleaseEvent, releasesTopic } from "@sluice/contracts";
import { type BusError, EventBus, type Received } from "@sluice/event-bus";
import {
  type ApplicationState,
  type Applications,
  decide,
  foldEvent,
  initialState,
  type Refusal,
  type ReleaseCommand,
} from "@sluice/release";
import * as Context from "effect/Context";
import * as Deferred from "effect/Deferred";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import * as PubSub from "effect/PubSub";
import * as Stream from "effect/Stream";

/** One event of the log with the fold's answer to it. */
export interface Change {
  readonly event: ReleaseEvent;
  /** Null when the event was accepted. */
  readonly refusal: Refusal | null;
  /** After the event. */
  readonly state: ApplicationState;
}

/** The folded release log of one service: what it knows, and the only way it decides. */
export class ReleaseLog extends Context.Service<
  ReleaseLog,
  {
    /** Caught up with the log as it was when the layer was built, and following it. */
    readonly applications: () => Applications;
    /** What comes after the subscription. Subscribe first, then read `applications`. */
    readonly changes: Stream.Stream<Change>;
    /**
     * Decides on the present state, publishes, and waits until the events are back from the log. Fails with the refusal
     * of whoever refuses: `decide` at once, or the fold because another event came first. A command that was carried out
     * before succeeds with no events.
     */
    readonly submit: (command: ReleaseCommand) => Effect.Effect<ReadonlyArray<ReleaseEvent>, Refusal | BusError>;
  }
>()("@sluice/ReleaseLog") {
  static readonly layer: Layer.Layer<ReleaseLog, BusError, EventBus> = Layer.effect(
    ReleaseLog,
    Effect.suspend(() => make),
  );
}

const make = Effect.gen(function* () {
  const bus = yield* EventBus;
  const applications = new Map<string, ApplicationState>();
  const awaited = new Map<EventId, Deferred.Deferred<void, Refusal>>();
  const changes = yield* PubSub.unbounded<Change>();

  const settle = (event: ReleaseEvent, refusal: Refusal | null) => {
    const waiting = awaited.get(event.eventId);
    if (!waiting) return Effect.void;
    // An equal event was first: what was wanted has happened.
    return refusal && refusal.code !== "duplicate"
      ? Deferred.fail(waiting, refusal)
      : Deferred.succeed(waiting, undefined);
  };

  yield* bus.follow(releasesTopic, (batch: ReadonlyArray<Received<ReleaseEvent>>) =>
    Effect.forEach(
      batch,
      ({ event }) => {
        const { state, refusal } = foldEvent(applications, event);
        if (!refusal) applications.set(event.application, state);
        return Effect.andThen(PubSub.publish(changes, { event, refusal, state }), settle(event, refusal));
      },
      { discard: true },
    ),
  );

  const await_ = Effect.fnUntraced(function* (events: ReadonlyArray<ReleaseEvent>) {
    const waits = yield* Effect.forEach(events, (event) =>
      Effect.map(Deferred.make<void, Refusal>(), (deferred) => {
        const shared = awaited.get(event.eventId) ?? deferred;
        awaited.set(event.eventId, shared);
        return shared;
      }),
    );
    yield* bus.publish(releasesTopic, events);
    yield* Effect.forEach(waits, (wait) => Deferred.await(wait), { discard: true });
  });

  const submit = Effect.fn("ReleaseLog.submit")(function* (command: ReleaseCommand) {
    const state = applications.get(command.application) ?? initialState(command.application);
    const decided = decide(state, command);
    if (decided._tag === "Failure") {
      if (decided.failure.code === "duplicate") return [];
      return yield* Effect.fail(decided.failure);
    }
    const events = decided.success;
    yield* Effect.ensuring(
      await_(events),
      Effect.sync(() => {
        for (const event of events) awaited.delete(event.eventId);
      }),
    );
    return events;
  });

  return ReleaseLog.of({ applications: () => applications, changes: Stream.fromPubSub(changes), submit });
});
