import type { Topic } from "@sluice/contracts";
import * as Context from "effect/Context";
import type * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import type * as Scope from "effect/Scope";

/** The bus could not be reached or refused; nothing of the call was published. */
export class BusError extends Schema.TaggedError<BusError>()("BusError", {
  operation: Schema.Literals(["publish", "consume", "follow"]),
  message: Schema.String,
}) {}

export interface Received<Event> {
  readonly event: Event;
  readonly topic: string;
  readonly partition: number;
  /** Rises within a partition; Kafka leaves gaps. */
  readonly offset: number;
}

/** Handles a batch of one partition, in order. A failure delivers the same batch again, after a pause. */
export type Handler<Event, Failure> = (batch: ReadonlyArray<Received<Event>>) => Effect.Effect<void, Failure>;

type AnyEvent = { readonly _tag: string };

/** Typed events with order per key, at-least-once delivery and replay from the start. */
export class EventBus extends Context.Service<
  EventBus,
  {
    /** All of `events` or none, in order for each key; returns once they are durable. */
    readonly publish: <Event extends AnyEvent>(
      topic: Topic<Event>,
      events: ReadonlyArray<Event>,
    ) => Effect.Effect<void, BusError>;
    /**
     * Shared work: each record goes to one member of `group`, which goes on after the last handled batch.
     * Returns once subscribed; runs until the scope closes.
     */
    readonly consume: <Event extends AnyEvent, Failure>(
      topic: Topic<Event>,
      group: string,
      handler: Handler<Event, Failure>,
    ) => Effect.Effect<void, BusError, Scope.Scope>;
    /**
     * A fold of one's own: every record from the start (of a compacted topic: at least the last of each key).
     * Returns once all that was in the topic when it was called has been handled; then goes on until the scope closes.
     */
    readonly follow: <Event extends AnyEvent, Failure>(
      topic: Topic<Event>,
      handler: Handler<Event, Failure>,
    ) => Effect.Effect<void, BusError, Scope.Scope>;
    /** Fails with the reason when the bus cannot be reached now; left out where it is part of the process. */
    readonly check?: Effect.Effect<void, BusError>;
  }
>()("@sluice/EventBus") {}
