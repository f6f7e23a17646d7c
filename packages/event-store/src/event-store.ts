import type { ApplicationName, EventId, ReleaseEvent, ReleaseId, Timestamp } from "@sluice/contracts";
import * as Context from "effect/Context";
import type * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";

export class EventStoreError extends Schema.TaggedError<EventStoreError>()("EventStoreError", {
  operation: Schema.Literals(["append", "read", "verify"]),
  message: Schema.String,
}) {}

/** One event as it came from the log, with the fold's answer. */
export interface RecordedEvent {
  /**
   * Where the event stands in the log: its identity in the store. The event id is not, because an event that was refused
   * (a paused release) may be published again under the same id and then be accepted: both belong to the record.
   */
  readonly partition: number;
  readonly offset: number;
  readonly event: ReleaseEvent;
  /** Null when the event was accepted. */
  readonly refusal: { readonly code: string; readonly sentence: string } | null;
}

export interface StoredEvent {
  /** 1, 2, 3 … without a gap, in the order of appending. */
  readonly position: number;
  readonly partition: number;
  readonly offset: number;
  readonly application: ApplicationName;
  /** 1, 2, 3 … within the application. */
  readonly sequence: number;
  /** Null for events that belong to no release. */
  readonly releaseId: ReleaseId | null;
  readonly eventId: EventId;
  readonly type: string;
  /** Canonical JSON of the event: the bytes that were hashed. */
  readonly payload: string;
  readonly refusal: { readonly code: string; readonly sentence: string } | null;
  readonly recordedAt: Timestamp;
  readonly previousHash: string;
  readonly hash: string;
}

export interface ReadOptions {
  readonly application?: ApplicationName;
  readonly releaseId?: ReleaseId;
  /** Only rows after this position. */
  readonly after?: number;
  /** At most 1,000; a page may be shorter when its rows are large. Only an empty one is the end. */
  readonly limit: number;
}

export interface Fault {
  readonly position: number;
  readonly kind: "changed" | "missing" | "inserted" | "reordered";
  readonly sentence: string;
}

export interface Verification {
  readonly rows: number;
  /** Hash of the last row; of nothing when empty. */
  readonly head: string;
  /** The first 100. */
  readonly faults: ReadonlyArray<Fault>;
}

/** The audit record: append-only, in log order, each row carrying the hash of the one before. */
export class EventStore extends Context.Service<
  EventStore,
  {
    /**
     * Appends what is not there yet, in the given order, all or nothing; a redelivered record changes nothing. Succeeds
     * with the rows that were new. Fails when the log holds another event at a place that is on record: then it is not the
     * log of this record.
     */
    readonly append: (
      records: ReadonlyArray<RecordedEvent>,
      recordedAt: Timestamp,
    ) => Effect.Effect<ReadonlyArray<StoredEvent>, EventStoreError>;
    /** Position of the last row; 0 when empty. */
    readonly end: Effect.Effect<number, EventStoreError>;
    readonly read: (options: ReadOptions) => Effect.Effect<ReadonlyArray<StoredEvent>, EventStoreError>;
    /** Reads every row and checks the chain. */
    readonly verify: Effect.Effect<Verification, EventStoreError>;
  }
>()("@sluice/EventStore") {}
