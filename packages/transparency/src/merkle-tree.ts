import { hash } from "node:crypto";

// The Merkle tree of RFC 6962: leaves and nodes are hashed with different prefixes, so that no node passes for a leaf.
// Hashes are 64 lower-case hex digits. A tree is told by ranges of leaves, from (inclusive) to (exclusive).

/** Root of the tree without leaves: sha256 of nothing. */
export const EMPTY_ROOT = hash("sha256", "", "hex");

/** Hash of a leaf: sha256(0x00 ‖ UTF-8 of the text). */
export const leafHash = (text: string): string => hash("sha256", `\0${text}`, "hex");

const pair = Buffer.alloc(65, 1);
/** Hash of a node: sha256(0x01 ‖ left ‖ right). */
export const nodeHash = (left: string, right: string): string => {
  pair.write(left, 1, 32, "hex");
  pair.write(right, 33, 32, "hex");
  return hash("sha256", pair, "hex");
};

export interface Range {
  readonly from: number;
  readonly to: number;
}

/** The largest power of two below `n`: where RFC 6962 splits a tree of n > 1 leaves. */
export const splitOf = (n: number): number => {
  let k = 1;
  while (k * 2 < n) k *= 2;
  return k;
};

/** Root of the leaves of a range, whose hashes `leaf` knows by index. */
export const rootOf = (leaf: (index: number) => string, { from, to }: Range): string => {
  if (to <= from) return EMPTY_ROOT;
  if (to - from === 1) return leaf(from);
  const middle = from + splitOf(to - from);
  return nodeHash(rootOf(leaf, { from, to: middle }), rootOf(leaf, { from: middle, to }));
};

/** The subtrees whose roots lead from a leaf to the root of the first `size` leaves, nearest first. */
export const inclusionPath = (index: number, size: number): ReadonlyArray<Range> => {
  const path: Array<Range> = [];
  let [from, to] = [0, size];
  while (to - from > 1) {
    const middle = from + splitOf(to - from);
    if (index < middle) {
      path.unshift({ from: middle, to });
      to = middle;
    } else {
      path.unshift({ from, to: middle });
      from = middle;
    }
  }
  return path;
};

/** The subtrees that show the tree of `size` leaves to begin with the tree of `older` leaves (RFC 6962 §2.1.2). */
export const consistencyPath = (older: number, size: number): ReadonlyArray<Range> => {
  const of = (upTo: number, { from, to }: Range, isWhole: boolean): ReadonlyArray<Range> => {
    if (upTo === to) return isWhole ? [] : [{ from, to }];
    const middle = from + splitOf(to - from);
    return upTo <= middle
      ? [...of(upTo, { from, to: middle }, isWhole), { from: middle, to }]
      : [...of(upTo, { from: middle, to }, false), { from, to: middle }];
  };
  return older === 0 ? [] : of(older, { from: 0, to: size }, true);
};

/** The root that a leaf and its path lead to; null when the path does not fit the place (RFC 9162 §2.1.3.2). */
export const rootByInclusion = (
  leaf: string,
  index: number,
  size: number,
  path: ReadonlyArray<string>,
): string | null => {
  if (index < 0 || index >= size) return null;
  let [node, last, root] = [index, size - 1, leaf];
  for (const sibling of path) {
    if (last === 0) return null;
    if (node % 2 === 1 || node === last) {
      root = nodeHash(sibling, root);
      while (node % 2 === 0 && node !== 0) [node, last] = [half(node), half(last)];
    } else root = nodeHash(root, sibling);
    [node, last] = [half(node), half(last)];
  }
  return last === 0 ? root : null;
};

/** Whether the path shows that the newer tree begins with the older one (RFC 9162 §2.1.4.2). */
export const isConsistent = (
  older: { readonly size: number; readonly root: string },
  newer: { readonly size: number; readonly root: string },
  path: ReadonlyArray<string>,
): boolean => {
  if (older.size > newer.size) return false;
  if (older.size === newer.size) return path.length === 0 && older.root === newer.root;
  if (older.size === 0) return path.length === 0 && older.root === EMPTY_ROOT;
  // A complete older tree is itself the first node of the path, and is left out of it.
  const [first, ...rest] = isPowerOfTwo(older.size) ? [older.root, ...path] : path;
  if (first === undefined) return false;
  let [node, last] = [older.size - 1, newer.size - 1];
  while (node % 2 === 1) [node, last] = [half(node), half(last)];
  let [olderRoot, newerRoot] = [first, first];
  for (const sibling of rest) {
    if (last === 0) return false;
    if (node % 2 === 1 || node === last) {
      olderRoot = nodeHash(sibling, olderRoot);
      newerRoot = nodeHash(sibling, newerRoot);
      while (node % 2 === 0 && node !== 0) [node, last] = [half(node), half(last)];
    } else newerRoot = nodeHash(newerRoot, sibling);
    [node, last] = [half(node), half(last)];
  }
  return last === 0 && olderRoot === older.root && newerRoot === newer.root;
};

const half = (n: number): number => Math.floor(n / 2);
const isPowerOfTwo = (n: number): boolean => 2 ** Math.round(Math.log2(n)) === n;

/** A tree that only grows: keeps the roots of its complete subtrees, one for each bit of its size. */
export class GrowingTree {
  #size = 0;
  /** Largest subtree first. */
  readonly #peaks: Array<string> = [];

  get size(): number {
    return this.#size;
  }

  add(leaf: string): void {
    let node = leaf;
    for (let n = this.#size; n % 2 === 1; n = half(n)) node = nodeHash(this.#peaks.pop() ?? node, node);
    this.#peaks.push(node);
    this.#size += 1;
  }

  root(): string {
    if (this.#peaks.length === 0) return EMPTY_ROOT;
    return this.#peaks.reduceRight((right, left) => nodeHash(left, right));
  }
}
