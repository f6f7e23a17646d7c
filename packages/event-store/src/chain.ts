import { hash } from "node:crypto";
import {
  ApplicationName,
  canonicalJson,
  deadLetterId,
  type ReleaseEvent,
  ReleaseId,
  type Timestamp,
} from "@sluice/contracts";
import { leafHash } from "@sluice/transparency";
import * as Schema from "effect/Schema";
import type { RecordedEvent, StoredEvent } from "./event-store.ts";

const sha256 = (text: string): string => hash("sha256", text, "hex");

/** What the first row of an application follows: the hash of nothing. */
export const GENESIS_HASH = sha256("");

/** Stands for the application of a dead letter whose key names none: no application can be called so. */
export const NO_APPLICATION = "-";

/**
 * The text of a row's leaf: the canonical JSON (RFC 8785) of all its fields but the hash, where the payload stands by its
 * own sha256. So a payload that must be forgotten can go while the record stays verifiable. Keys are in code-unit order, and
 * strings are escaped as RFC 8785 wants: `JSON.stringify` of this literal is the canonical form.
 */
export const leafOf = (row: Omit<StoredEvent, "hash">): string =>
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
  });

/** A row's hash is that of its leaf in the Merkle tree over the record, and what the application's next row carries. */
export const hashOf = (row: Omit<StoredEvent, "hash">): string => leafHash(leafOf(row));

export interface Head {
  readonly position: number;
  readonly hash: string;
}

export const emptyHead: Head = { position: 0, hash: GENESIS_HASH };

/** The last row of an application: what its next one follows. */
export type Last = Pick<StoredEvent, "sequence" | "hash">;

/**
 * What PostgreSQL cannot keep as text (NUL, half of a surrogate pair) becomes U+FFFD: one such event must not stop the
 * record of all others.
 */
const storable = (text: string): string => text.replaceAll("\0", "\uFFFD").toWellFormed();

/** Canonical JSON escapes control characters (`\\u0000`), so a payload is storable as it is. */
export const payloadOf = (event: RecordedEvent["event"]): string => canonicalJson(event);

const isApplication = Schema.is(ApplicationName);
const isRelease = Schema.is(ReleaseId);
const MAX_EVENT_ID = 200;

/** What an event is about. Of a dead letter it is what its key and headers claim, where that can be. */
export const subjectOf = (
  event: RecordedEvent["event"],
): Pick<StoredEvent, "application" | "releaseId" | "eventId" | "type"> => {
  if (event._tag !== "RecordDeadLettered") {
    const releaseId = "releaseId" in event ? event.releaseId : null;
    return { application: event.application, releaseId, eventId: event.eventId, type: event._tag };
  }
  const { ce_id: id, ce_subject: subject } = event.headers;
  return {
    application: isApplication(event.key) ? event.key : NO_APPLICATION,
    releaseId: subject !== event.key && isRelease(subject) ? subject : null,
    eventId: storable(id ?? deadLetterId(event)).slice(0, MAX_EVENT_ID),
    type: event._tag,
  };
};

/**
 * Partition under which a dead letter is on record. Not the log's own: a later version may be able to read what stood there,
 * and then both are on record.
 */
export const deadLetterPartition = (partition: number): number => -1 - partition;

/** The event of a row; null for a dead letter, which is none. What is on record was decoded before. */
export const releaseEventOf = (row: Pick<StoredEvent, "type" | "payload">): ReleaseEvent | null =>
  row.type === "RecordDeadLettered" ? null : JSON.parse(row.payload);

export interface FreshRecord {
  readonly record: RecordedEvent;
  readonly payload: string;
}

/** The rows that `fresh` becomes after `head`. `lastOf` holds the last row of each application concerned. */
export const chainOnto = (
  head: Head,
  lastOf: ReadonlyMap<string, Last>,
  fresh: ReadonlyArray<FreshRecord>,
  recordedAt: Timestamp,
): ReadonlyArray<StoredEvent> => {
  let { position } = head;
  const lasts = new Map(lastOf);
  return fresh.map(({ record: { partition, offset, event, refusal }, payload }) => {
    position += 1;
    const subject = subjectOf(event);
    const last = lasts.get(subject.application) ?? { sequence: 0, hash: GENESIS_HASH };
    const row = {
      position,
      partition,
      offset,
      ...subject,
      sequence: last.sequence + 1,
      payload,
      refusal: refusal && { code: storable(refusal.code), sentence: storable(refusal.sentence) },
      recordedAt,
      previousHash: last.hash,
    };
    const stored = { ...row, hash: hashOf(row) };
    lasts.set(subject.application, stored);
    return stored;
  });
};
