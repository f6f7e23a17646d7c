import { canonicalJson, digestOfBytes, type Timestamp } from "@sluice/contracts";
import type { RecordedEvent, StoredEvent } from "./event-store.ts";

const sha256 = (text: string): string => digestOfBytes(text).slice("sha256:".length);

/** The hash before the first row: that of nothing. */
export const GENESIS_HASH = sha256("");

/**
 * Hash of a row: sha256 of the canonical JSON (RFC 8785) of all its fields but the hash, where the payload stands by its
 * own sha256. So a payload that must be forgotten can go while the chain stays verifiable. Keys are in code-unit order, and
 * strings are escaped as RFC 8785 wants: `JSON.stringify` of this literal is the canonical form.
 */
export const hashOf = (row: Omit<StoredEvent, "hash">): string =>
  sha256(
    JSON.stringify({
      application: row.application,
      eventId: row.eventId,
      offset: row.offset,
      partition: row.partition,
      payloadSha256: sha256(row.payload),
      position: row.position,
      previousHash: row.previousHash,
      recordedAt: row.recordedAt,
      refusal: row.refusal && { code: row.refusal.code, sentence: row.refusal.sentence },
      releaseId: row.releaseId,
      sequence: row.sequence,
      type: row.type,
    }),
  );

export interface Head {
  readonly position: number;
  readonly hash: string;
}

export const emptyHead: Head = { position: 0, hash: GENESIS_HASH };

/**
 * What PostgreSQL cannot keep as text (NUL, half of a surrogate pair) becomes U+FFFD: one such event must not stop the
 * record of all others.
 */
const storable = (text: string): string => text.replaceAll("\0", "\uFFFD").toWellFormed();

/** Canonical JSON escapes control characters (`\\u0000`), so a payload is storable as it is. */
export const payloadOf = (event: RecordedEvent["event"]): string => canonicalJson(event);

/** The rows that `records` become after `head`. `sequences` holds the last sequence of each application concerned. */
export const chainOnto = (
  head: Head,
  sequences: ReadonlyMap<string, number>,
  records: ReadonlyArray<RecordedEvent>,
  recordedAt: Timestamp,
): ReadonlyArray<StoredEvent> => {
  let { position, hash } = head;
  const counted = new Map(sequences);
  return records.map(({ partition, offset, event, refusal }) => {
    position += 1;
    const sequence = (counted.get(event.application) ?? 0) + 1;
    counted.set(event.application, sequence);
    const row = {
      position,
      partition,
      offset,
      application: event.application,
      sequence,
      releaseId: "releaseId" in event ? event.releaseId : null,
      eventId: event.eventId,
      type: event._tag,
      payload: payloadOf(event),
      refusal: refusal && { code: storable(refusal.code), sentence: storable(refusal.sentence) },
      recordedAt,
      previousHash: hash,
    };
    hash = hashOf(row);
    return { ...row, hash };
  });
};
