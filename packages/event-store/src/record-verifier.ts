import { EMPTY_ROOT, GrowingTree } from "@sluice/transparency";
import { GENESIS_HASH, type Head, hashOf } from "./chain.ts";
import type { StoredEvent } from "./event-store.ts";

export interface Fault {
  readonly position: number;
  readonly kind: "changed" | "missing" | "inserted" | "reordered";
  readonly sentence: string;
}

export interface Verification {
  readonly rows: number;
  /** Hash of the last row; of nothing when empty. */
  readonly head: string;
  /** Root of the Merkle tree over the rows. */
  readonly root: string;
  /** Rows that the last checkpoint which fits covers; 0 without one. */
  readonly signed: number;
  /** The first 100. */
  readonly faults: ReadonlyArray<Fault>;
}

/** What was signed of the record, with signatures that have been checked. */
export interface SignedRecord {
  /** Smallest first. */
  readonly checkpoints: ReadonlyArray<{ readonly size: number; readonly root: string }>;
  /** The signed hash of the row at a position; null where none was kept. */
  readonly leaf: (position: number) => string | null;
}

export const nothingSigned: SignedRecord = { checkpoints: [], leaf: () => null };

/** Faults reported; the rest of a record that is this broken tells nothing more. */
export const MAX_FAULTS = 100;
/** A moved row is looked for this near; further away at its end, among the places where something is wrong. */
const NEAR = 64;

/**
 * Walks the rows by position and tells what was done to them. A row's hash covers its position, so the position for which
 * it recomputes (its true one) tells a moved row from a changed one, and a lasting difference between true and present
 * positions tells that rows before were taken out or put in and the later ones renumbered. A row that was changed and
 * hashed anew breaks the chain of its application, and the tree that was signed.
 */
export class RecordVerifier {
  #rows = 0;
  /** True position minus present one, of the rows after a renumbering. */
  #shift = 0;
  #expected = 1;
  #previous: StoredEvent | null = null;
  #pending: StoredEvent | null = null;
  #lastFault = 0;
  readonly #lastOf = new Map<string, StoredEvent>();
  readonly #faults = new Map<number, Fault>();
  readonly #lost = new Map<number, StoredEvent>();
  readonly #signed: SignedRecord;
  /** Null once a row is missing whose hash nobody knows. */
  #tree: GrowingTree | null = new GrowingTree();
  #nextCheckpoint = 0;
  #fitting = 0;

  constructor(signed: SignedRecord = nothingSigned) {
    // A record was empty once: that says nothing of its rows.
    this.#signed = { ...signed, checkpoints: signed.checkpoints.filter(({ size }) => size > 0) };
  }

  push(row: StoredEvent): void {
    if (this.#pending) this.#check(this.#pending, row);
    this.#pending = row;
  }

  end(head: Head): Verification {
    if (this.#pending) this.#check(this.#pending, null);
    this.#pending = null;
    this.#findLost();
    this.#checkHead(head);
    const last = (this.#previous?.position ?? 0) + this.#shift;
    const promised = this.#signed.checkpoints.at(-1)?.size ?? 0;
    if (promised > last) this.#missing(Math.max(last, head.position) + 1, promised);
    const faults = [...this.#faults.values()].sort((a, b) => a.position - b.position);
    return {
      rows: this.#rows,
      head: this.#previous?.hash ?? GENESIS_HASH,
      root: this.#tree?.root() ?? EMPTY_ROOT,
      signed: this.#fitting,
      faults,
    };
  }

  #check(row: StoredEvent, next: StoredEvent | null): void {
    this.#rows += 1;
    if (row.position > this.#expected) this.#missing(this.#expected, row.position - 1);
    const place = truePosition(row, this.#shift);
    if (place === null) {
      this.#fault(row.position, "changed", `the row at position ${row.position} is not what its hash was made of`);
      if (this.#faults.has(row.position)) this.#lost.set(row.position, row);
    } else if (place === row.position + this.#shift) this.#checkLink(row);
    else this.#displaced(row, place, next);
    this.#checkSigned(row);
    if (this.#faults.get(row.position)?.kind !== "reordered") this.#lastOf.set(row.application, row);
    this.#expected = row.position + 1;
    this.#previous = row;
  }

  #checkLink(row: StoredEvent): void {
    const before = this.#lastOf.get(row.application);
    if (row.sequence !== (before?.sequence ?? 0) + 1) {
      // That the row before was changed, or that rows between are missing or moved, was told already.
      if (this.#lastFault < (before?.position ?? 1))
        this.#fault(
          row.position,
          "changed",
          `the row at position ${row.position} has sequence ${row.sequence} of ${row.application}, after ${before?.sequence ?? 0}`,
        );
      return;
    }
    if (row.previousHash === (before?.hash ?? GENESIS_HASH) || (before && this.#faults.has(before.position))) return;
    if (before)
      this.#fault(
        before.position,
        "changed",
        `the row at position ${before.position} was changed and hashed anew: the row after it of ${row.application} follows another hash`,
      );
    else this.#fault(row.position, "changed", `the row at position ${row.position} follows a row that was never there`);
  }

  /** Adds the row to the tree, by its signed hash where that is known, and compares at every checkpoint. */
  #checkSigned(row: StoredEvent): void {
    const position = row.position + this.#shift;
    while (this.#tree && this.#tree.size + 1 < position) {
      const leaf = this.#signed.leaf(this.#tree.size + 1);
      if (leaf === null) this.#tree = null;
      else this.#grow(leaf);
    }
    if (this.#tree?.size !== position - 1) return;
    const leaf = this.#signed.leaf(position);
    if (leaf !== null && leaf !== row.hash && !this.#faults.has(row.position))
      this.#fault(
        row.position,
        "changed",
        `the row at position ${row.position} was changed and hashed anew: another one was signed`,
      );
    this.#grow(leaf ?? row.hash);
  }

  #grow(leaf: string): void {
    const tree = this.#tree;
    if (!tree) return;
    tree.add(leaf);
    for (;;) {
      const checkpoint = this.#signed.checkpoints[this.#nextCheckpoint];
      if (!checkpoint || checkpoint.size > tree.size) return;
      this.#nextCheckpoint += 1;
      // Signed before the first row: nothing was promised yet.
      if (checkpoint.size === 0) continue;
      if (checkpoint.root === tree.root()) this.#fitting = checkpoint.size;
      else if (this.#lastFault <= this.#fitting)
        this.#fault(
          this.#fitting + 1,
          "changed",
          `rows from position ${this.#fitting + 1} to ${checkpoint.size} were changed and hashed anew: the checkpoint of ${checkpoint.size} rows was signed over others`,
        );
    }
  }

  #displaced(row: StoredEvent, place: number, next: StoredEvent | null): void {
    const shift = place - row.position;
    const lasting = next
      ? truePosition(next, shift) === next.position + shift
      : !this.#faults.has(row.position - 1) || this.#faults.get(row.position - 1)?.kind === "changed";
    if (!lasting) {
      this.#moved(row.position, place);
      return;
    }
    if (shift > this.#shift) this.#missing(row.position + this.#shift, place - 1);
    for (let extra = this.#shift - shift; extra > 0; extra--) {
      const position = row.position - extra;
      this.#lost.delete(position);
      this.#fault(
        position,
        "inserted",
        `the row at position ${position} is no part of the record: it was put in later`,
      );
    }
    this.#shift = shift;
  }

  /** A row that was moved far away belongs where something else is wrong. */
  #findLost(): void {
    for (const [position, row] of this.#lost)
      for (const place of this.#faults.keys())
        if (place !== position && hashOf({ ...row, position: place }) === row.hash) {
          this.#moved(position, place);
          break;
        }
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

  #moved(position: number, place: number): void {
    this.#fault(position, "reordered", `the row recorded at position ${place} stands at position ${position}`);
  }

  #fault(position: number, kind: Fault["kind"], sentence: string): void {
    this.#lastFault = Math.max(this.#lastFault, position);
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
