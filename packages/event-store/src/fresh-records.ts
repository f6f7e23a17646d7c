import * as Result from "effect/Result";
import { type FreshRecord, payloadOf, subjectOf } from "./chain.ts";
import type { RecordedEvent, StoredEvent } from "./event-store.ts";

/** What tells that the event at a place of the log is the one on record. */
export type KnownEvent = Pick<StoredEvent, "partition" | "offset" | "eventId" | "payload">;

export const placeOf = ({ partition, offset }: Pick<StoredEvent, "partition" | "offset">): string =>
  `${partition}/${offset}`;

/**
 * The records that are not there yet. A place of the log holds one event for ever: when another one is found there, the
 * topic is no longer the one on record (created anew, restored from a backup), and to skip its events as known would lose
 * them without a word. Then the answer is a sentence that names the place.
 */
export const freshRecords = (
  known: ReadonlyArray<KnownEvent>,
  records: ReadonlyArray<RecordedEvent>,
): Result.Result<ReadonlyArray<FreshRecord>, string> => {
  const byPlace = new Map(known.map((row) => [placeOf(row), row]));
  const fresh: Array<FreshRecord> = [];
  for (const record of records) {
    const { partition, offset, event } = record;
    const there = byPlace.get(placeOf(record));
    const found = { partition, offset, eventId: subjectOf(event).eventId, payload: payloadOf(event) };
    if (!there) {
      byPlace.set(placeOf(record), found);
      fresh.push({ record, payload: found.payload });
    } else if (there.eventId !== found.eventId || there.payload !== found.payload)
      return Result.fail(
        `partition ${partition} offset ${offset} of the log holds event ${found.eventId}, but the record has ${there.eventId === found.eventId ? "other contents of it" : there.eventId} from there; the topic is not the one on record: restore it, or start with an empty record`,
      );
  }
  return Result.succeed(fresh);
};
