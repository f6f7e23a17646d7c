import { createHash } from "node:crypto";
import { canonicalJson } from "@sluice/contracts";
import type { Fault, RecordedEvent, StoredEvent, Verification } from "./event-store.ts";

/** What the first row is chained to, and the head of an empty record. */
export const GENESIS_HASH = `sha256:${"0".repeat(64)}`;

/** At most this many faults are named: the first ones tell where to look. */
const MAX_FAULTS = 100;

/** Hash of a row: of the hash before it and of every other field, in canonical JSON. */
export const rowHash = (row: Omit<StoredEvent, "hash">): string =>
  `sha256:${createHash("sha256").update(canonicalJson(row)).digest("hex")}`;

/** The row that follows `previousHash` at `position`. */
export const nextRow = (
  record: RecordedEvent,
  position: number,
  previousHash: string,
  recordedAt: string,
): StoredEvent => {
  const { event, partition, offset, refusal } = record;
  const row = {
    position,
    partition,
    offset,
    application: event.application,
    releaseId: "releaseId" in event ? event.releaseId : null,
    eventId: event.eventId,
    type: event._tag,
    payload: canonicalJson(event),
    refusal,
    recordedAt,
    previousHash,
  };
  return { ...row, hash: rowHash(row) };
};

/** Checks rows in the order of their positions as they stream by. */
export class ChainVerifier {
  readonly #faults: Array<Fault> = [];
  #rows = 0;
  #position = 0;
  #head = GENESIS_HASH;

  add(row: StoredEvent): void {
    this.#rows += 1;
    const { hash, ...content } = row;
    const expected = this.#position + 1;
    if (row.position > expected)
      this.#fault(expected, "missing", `rows ${expected} to ${row.position - 1} are missing`);
    else if (row.position < expected)
      this.#fault(row.position, "inserted", `row ${row.position} stands where row ${expected} was expected`);
    if (rowHash(content) !== hash) this.#fault(row.position, "changed", `row ${row.position} is not what was recorded`);
    else if (row.previousHash !== this.#head && row.position === expected)
      this.#fault(row.position, "reordered", `row ${row.position} does not follow the row before it`);
    this.#position = row.position;
    this.#head = hash;
  }

  result(): Verification {
    return { rows: this.#rows, head: this.#head, faults: this.#faults };
  }

  #fault(position: number, kind: Fault["kind"], sentence: string): void {
    if (this.#faults.length < MAX_FAULTS) this.#faults.push({ position, kind, sentence });
  }
}
