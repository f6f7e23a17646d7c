import { type EventId, type ReleaseEvent, releasesTopic } from "@sluice/contracts";
import { BusError, EventBus, type Received } from "@sluice/event-bus";
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

type Wait = Deferred.Deferred<void, Refusal>;

/** Far beyond any round trip of a bus that works: who waits longer is told, instead of waiting for ever. */
const SUBMIT_WITHIN = "30 seconds";

const make = Effect.gen(function* () {
  const bus = yield* EventBus;
  const applications = new Map<string, ApplicationState>();
  // Two may submit the same event at once: each has its own wait, and gives up only that.
  const awaited = new Map<EventId, Set<Wait>>();
  const changes = yield* PubSub.unbounded<Change>();

  const settle = (event: ReleaseEvent, refusal: Refusal | null) => {
    // An equal event was first: what was wanted has happened.
    const refused = refusal && refusal.code !== "duplicate" ? refusal : null;
    return Effect.forEach(
      [...(awaited.get(event.eventId) ?? [])],
      (wait) => (refused ? Deferred.fail(wait, refused) : Deferred.succeed(wait, undefined)),
      { discard: true },
    );
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

  const waitFor = ({ eventId }: ReleaseEvent) =>
    Effect.acquireRelease(
      Effect.map(Deferred.make<void, Refusal>(), (wait) => {
        awaited.set(eventId, (awaited.get(eventId) ?? new Set()).add(wait));
        return wait;
      }),
      (wait) =>
        Effect.sync(() => {
          const waits = awaited.get(eventId);
          if (waits?.delete(wait) && waits.size === 0) awaited.delete(eventId);
        }),
    );

  const publishAndWait = Effect.fnUntraced(function* (events: ReadonlyArray<ReleaseEvent>) {
    const waits = yield* Effect.forEach(events, waitFor);
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
    yield* Effect.timeoutOrElse(Effect.scoped(publishAndWait(events)), {
      duration: SUBMIT_WITHIN,
      orElse: () =>
        Effect.fail(
          new BusError({
            operation: "publish",
            message: `${events.map((event) => event._tag).join(", ")} of ${command.application} did not come back from ${releasesTopic.name} within ${SUBMIT_WITHIN}; submit it again, it will be carried out once`,
          }),
        ),
    });
    return events;
  });

  return ReleaseLog.of({ applications: () => applications, changes: Stream.fromPubSub(changes), submit });
});
