import { GENESIS_HASH, type Head, hashOf } from "./chain.ts";
import type { Fault, StoredEvent, Verification } from "./event-store.ts";

/** Faults reported; the rest of a record that is this broken tells nothing more. */
const MAX_FAULTS = 100;
/** A row whose hash fits no position this near is looked for by the row that follows it in the chain. */
const NEAR = 64;

/**
 * Walks the rows by position and tells what was done to them. A row's hash covers its position, so the position for which
 * it recomputes (its true one) tells a moved row from a changed one, and a lasting difference between true and present
 * positions tells that rows before were taken out or put in and the later ones renumbered.
 */
export class ChainVerifier {
  #rows = 0;
  /** True position minus present one, of the rows after a renumbering. */
  #shift = 0;
  #expected = 1;
  #previous: StoredEvent | null = null;
  /** The link to the previous row is broken for a reason already told. */
  #explained = false;
  #pending: StoredEvent | null = null;
  readonly #faults = new Map<number, Fault>();
  readonly #lost = new Map<number, StoredEvent>();

  push(row: StoredEvent): void {
    if (this.#pending) this.#check(this.#pending, row);
    this.#pending = row;
  }

  /** Hashes of changed rows: if another row follows such a hash, the row was not changed but moved. */
  unplaced(): ReadonlyArray<string> {
    return [...this.#lost.values()].map((row) => row.hash);
  }

  /** `followers`: for hashes of `unplaced`, the position of the row that has it as its previous hash. */
  end(head: Head, followers: ReadonlyMap<string, number>): Verification {
    for (const [position, row] of this.#lost) {
      const follower = followers.get(row.hash);
      if (follower !== undefined && hashOf({ ...row, position: follower - 1 }) === row.hash)
        this.#fault(
          position,
          "reordered",
          `the row recorded at position ${follower - 1} stands at position ${position}`,
        );
    }
    this.#checkHead(head);
    const faults = [...this.#faults.values()].sort((a, b) => a.position - b.position);
    return { rows: this.#rows, head: this.#previous?.hash ?? GENESIS_HASH, faults: faults.slice(0, MAX_FAULTS) };
  }

  /** Must be called once before `unplaced`: the last row has no successor to be compared with. */
  finish(): void {
    if (this.#pending) this.#check(this.#pending, null);
    this.#pending = null;
  }

  #check(row: StoredEvent, next: StoredEvent | null): void {
    this.#rows += 1;
    if (row.position > this.#expected) {
      this.#missing(this.#expected, row.position - 1);
      this.#explained = true;
    }
    const place = truePosition(row, this.#shift);
    if (place === null) {
      this.#fault(row.position, "changed", `the row at position ${row.position} is not what its hash was made of`);
      this.#lost.set(row.position, row);
    } else if (place === row.position + this.#shift) this.#checkLink(row);
    else this.#displaced(row, place, next);
    this.#explained = this.#faults.has(row.position) && place !== row.position + this.#shift;
    this.#expected = row.position + 1;
    this.#previous = row;
  }

  #checkLink(row: StoredEvent): void {
    const before = this.#previous;
    if (this.#explained || row.previousHash === (before?.hash ?? GENESIS_HASH)) return;
    if (before)
      this.#fault(
        before.position,
        "changed",
        `the row at position ${before.position} was changed and hashed anew: the row after it follows another hash`,
      );
    else this.#fault(row.position, "changed", `the row at position ${row.position} does not follow the empty record`);
  }

  #displaced(row: StoredEvent, place: number, next: StoredEvent | null): void {
    const shift = place - row.position;
    const lasting = next
      ? truePosition(next, shift) === next.position + shift
      : !this.#faults.has(row.position - 1) || this.#faults.get(row.position - 1)?.kind === "changed";
    if (!lasting) {
      this.#fault(
        row.position,
        "reordered",
        `the row recorded at position ${place} stands at position ${row.position}`,
      );
      return;
    }
    if (shift > this.#shift) this.#missing(row.position + this.#shift, place - 1);
    for (let extra = this.#shift - shift; extra > 0; extra--) {
      const position = row.position - extra;
      this.#lost.delete(position);
      this.#fault(position, "inserted", `the row at position ${position} is no part of the chain: it was put in later`);
    }
    this.#shift = shift;
  }

  #checkHead(head: Head): void {
    const last = this.#previous;
    const position = (last?.position ?? 0) + this.#shift;
    if (head.position > position) this.#missing(position + 1, head.position);
    for (let extra = head.position + 1; extra <= position && this.#faults.size < MAX_FAULTS; extra++)
      this.#fault(extra, "inserted", `the row at position ${extra} lies beyond the recorded end (${head.position})`);
    if (last && head.position === position && head.hash !== last.hash && !this.#faults.has(last.position))
      this.#fault(
        last.position,
        "changed",
        `the last row (position ${last.position}) was changed and hashed anew: the recorded end has another hash`,
      );
  }

  #missing(from: number, to: number): void {
    for (let position = from; position <= to && this.#faults.size < MAX_FAULTS; position++)
      this.#fault(position, "missing", `the row recorded at position ${position} is missing`);
  }

  #fault(position: number, kind: Fault["kind"], sentence: string): void {
    if (this.#faults.size < MAX_FAULTS || this.#faults.has(position))
      this.#faults.set(position, { position, kind, sentence });
  }
}

/** The position for which the row's hash recomputes; null when there is none nearby. */
const truePosition = (row: StoredEvent, shift: number): number | null => {
  const fits = (position: number) => hashOf({ ...row, position }) === row.hash;
  if (fits(row.position + shift)) return row.position + shift;
  if (shift !== 0 && fits(row.position)) return row.position;
  for (let distance = 1; distance <= NEAR; distance++) {
    if (fits(row.position + distance)) return row.position + distance;
    if (fits(row.position - distance)) return row.position - distance;
  }
  return null;
};
