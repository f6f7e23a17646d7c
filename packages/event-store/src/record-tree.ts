import {
  consistencyPath,
  GrowingTree,
  inclusionPath,
  nodeHash,
  type Range,
  rootOf,
  splitOf,
} from "@sluice/transparency";
import * as Effect from "effect/Effect";
import { EventStore, type EventStoreError } from "./event-store.ts";
import { MAX_HASHES } from "./read-limit.ts";

/** Leaves of one block, whose root is kept: a million rows are 125 KB of memory. */
const BLOCK = 256;

/**
 * The Merkle tree over the record as this process has read it: the roots of complete blocks, and whatever else is asked for
 * is read from the store. Nothing of it is kept there, so nothing of it can be changed there.
 */
export class RecordTree {
  readonly #grown = new GrowingTree();
  readonly #blocks: Array<string> = [];
  #tail: Array<string> = [];

  get size(): number {
    return this.#grown.size;
  }

  root(): string {
    return this.#grown.root();
  }

  /** Reads what the store has beyond this tree. */
  readonly catchUp: Effect.Effect<void, EventStoreError, EventStore> = Effect.gen({ self: this }, function* () {
    const store = yield* EventStore;
    for (;;) {
      const hashes = yield* store.hashes({ after: this.size, limit: MAX_HASHES });
      for (const hash of hashes) this.#add(hash);
      if (hashes.length < MAX_HASHES) return;
    }
  });

  /** Hashes that lead from the row at a position to the root of the first `size` rows. */
  inclusion(position: number, size: number): Effect.Effect<ReadonlyArray<string>, EventStoreError, EventStore> {
    return Effect.forEach(inclusionPath(position - 1, size), (range) => this.rootOf(range));
  }

  /** Hashes that show that the first `size` rows begin with the first `older` ones. */
  consistency(older: number, size: number): Effect.Effect<ReadonlyArray<string>, EventStoreError, EventStore> {
    return Effect.forEach(consistencyPath(older, size), (range) => this.rootOf(range));
  }

  /** Root of the rows of a range that this tree has. */
  rootOf({ from, to }: Range): Effect.Effect<string, EventStoreError, EventStore> {
    if (from % BLOCK === 0 && to % BLOCK === 0 && to > from)
      return Effect.sync(() => rootOf((block) => this.#blocks[block] ?? "", { from: from / BLOCK, to: to / BLOCK }));
    if (to - from <= BLOCK) return this.#rootOfLeaves({ from, to });
    const middle = from + splitOf(to - from);
    return Effect.zipWith(this.rootOf({ from, to: middle }), this.rootOf({ from: middle, to }), nodeHash);
  }

  #rootOfLeaves({ from, to }: Range) {
    return Effect.gen(function* () {
      const store = yield* EventStore;
      const hashes = yield* store.hashes({ after: from, limit: to - from });
      return rootOf((index) => hashes[index - from] ?? "", { from, to });
    });
  }

  #add(hash: string): void {
    this.#grown.add(hash);
    this.#tail.push(hash);
    if (this.#tail.length < BLOCK) return;
    const leaves = this.#tail;
    this.#blocks.push(rootOf((index) => leaves[index] ?? "", { from: 0, to: BLOCK }));
    this.#tail = [];
  }
}
