import { type Checkpoint, GrowingTree, openCheckpoint, type VerifierKey } from "@sluice/transparency";
import * as Result from "effect/Result";
import type { KeptOutside } from "./checkpoint-directory.ts";
import type { Fault, SignedRecord } from "./record-verifier.ts";

/** Signed notes and where they were kept, for the sentences. */
export interface KeptNotes {
  readonly where: string;
  readonly notes: ReadonlyArray<string>;
}

/**
 * What of the kept notes and leaves is to be believed, and what somebody has done to the rest. Leaves are believed as far as
 * they lead to a signed root.
 */
export const signedRecord = (
  key: VerifierKey,
  inDatabase: ReadonlyArray<string>,
  outside: (KeptOutside & { readonly where: string }) | null,
): { readonly signed: SignedRecord; readonly faults: ReadonlyArray<Fault> } => {
  const faults: Array<Fault> = [];
  const read = ({ where, notes }: KeptNotes): ReadonlyArray<Checkpoint> =>
    notes.flatMap((note) => {
      const opened = openCheckpoint(note, key);
      if (Result.isSuccess(opened)) return opened.success;
      const position = Number(/^[^\n]*\n(\d{1,15})\n/u.exec(note)?.[1] ?? 0);
      faults.push({
        position,
        kind: "changed",
        sentence: `the checkpoint of ${position} rows in ${where} ${opened.failure}`,
      });
      return [];
    });
  const kept = read({ where: "the database", notes: inDatabase });
  const keptOutside = outside ? read(outside) : [];
  const known = new Set(inDatabase);
  for (const [n, note] of (outside?.notes ?? []).entries())
    if (!known.has(note) && keptOutside[n])
      faults.push({
        position: keptOutside[n].size,
        kind: "missing",
        sentence: `the checkpoint of ${keptOutside[n].size} rows is missing in the database; ${outside?.where} has it`,
      });
  const checkpoints = distinct([...kept, ...keptOutside]);
  if (!outside) return { signed: { checkpoints, leaf: () => null }, faults };
  const believed = believedLeaves(outside, distinct(keptOutside));
  const promised = Math.min(
    outside.leaves,
    keptOutside.reduce((most, { size }) => Math.max(most, size), 0),
  );
  if (believed < promised)
    faults.push({
      position: believed + 1,
      kind: "changed",
      sentence: `the leaves in ${outside.where} are not those that were signed, from position ${believed + 1} on`,
    });
  return {
    signed: { checkpoints, leaf: (position) => (position <= believed ? outside.leaf(position) : null) },
    faults,
  };
};

const distinct = (checkpoints: ReadonlyArray<Checkpoint>): ReadonlyArray<Checkpoint> =>
  [...new Map(checkpoints.map((checkpoint) => [`${checkpoint.size} ${checkpoint.root}`, checkpoint])).values()].sort(
    (a, b) => a.size - b.size,
  );

/** How many leaves, from the first, lead to a signed root. */
const believedLeaves = (outside: KeptOutside, checkpoints: ReadonlyArray<Checkpoint>): number => {
  const tree = new GrowingTree();
  let believed = 0;
  for (const { size, root } of checkpoints) {
    while (tree.size < size) {
      const leaf = outside.leaf(tree.size + 1);
      if (leaf === null) return believed;
      tree.add(leaf);
    }
    if (tree.root() === root) believed = size;
  }
  return believed;
};
