import type { ApplicationName, DeadLetter, EventId, ReleaseEvent, ReleaseId, Timestamp } from "@sluice/contracts";
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
  /** What could not be decoded is on record as the dead letter that it became, at the place where it stood. */
  readonly event: ReleaseEvent | DeadLetter;
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
  /** Hash of the application's row before this one. */
  readonly previousHash: string;
  /** Hash of this row's leaf in the Merkle tree over all rows (RFC 6962), see `leafOf`. */
  readonly hash: string;
}

export interface ReadOptions {
  readonly application?: string;
  readonly releaseId?: ReleaseId;
  /** Only rows after this position. */
  readonly after?: number;
  /** At most 1,000; a page may be shorter when its rows are large. Only an empty one is the end. */
  readonly limit: number;
}

/** Where the record ends, as the database keeps it beside the rows. */
export interface RecordEnd {
  readonly position: number;
  readonly hash: string;
  /** Position of the last row that is there, whatever the head says. */
  readonly last: number;
}

/** A signed note that was kept with the record: so many rows, and the root of their tree. */
export interface KeptCheckpoint {
  readonly size: number;
  readonly note: string;
  readonly signedAt: Timestamp;
}

/** The audit record: append-only, in log order, each row carrying the hash of its application's row before. */
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
    readonly head: Effect.Effect<RecordEnd, EventStoreError>;
    readonly read: (options: ReadOptions) => Effect.Effect<ReadonlyArray<StoredEvent>, EventStoreError>;
    /** Hashes of the rows after a position, in order: what the Merkle tree is made of. At most 10,000. */
    readonly hashes: (options: {
      readonly after: number;
      readonly limit: number;
    }) => Effect.Effect<ReadonlyArray<string>, EventStoreError>;
    /** Keeps a checkpoint; the same one again changes nothing. */
    readonly keepCheckpoint: (checkpoint: KeptCheckpoint) => Effect.Effect<void, EventStoreError>;
    /** Smallest first. */
    readonly checkpoints: Effect.Effect<ReadonlyArray<KeptCheckpoint>, EventStoreError>;
  }
>()("@sluice/EventStore") {}
