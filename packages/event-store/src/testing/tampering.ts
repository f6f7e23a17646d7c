import { GENESIS_HASH, type Head, hashOf } from "../chain.ts";
import type { StoredEvent } from "../event-store.ts";

/** A record as somebody left it who may write what he likes, and the row that he touched. */
export interface Tampered {
  readonly rows: ReadonlyArray<StoredEvent>;
  readonly head: Head;
  /** Position that must be named. */
  readonly position: number;
}

/** 0 ≤ random < 1. */
export type Random = () => number;
type Tamper = (rows: ReadonlyArray<StoredEvent>, random: Random) => Tampered;

const pick = (random: Random, from: number, to: number): number => from + Math.floor(random() * (to - from));
const headOf = (rows: ReadonlyArray<StoredEvent>): Head => {
  const last = rows.at(-1);
  return last ? { position: last.position, hash: last.hash } : { position: 0, hash: GENESIS_HASH };
};

/** Hashes and links computed anew from a position on, as an owner of the tables can. */
const rehashed = (rows: ReadonlyArray<StoredEvent>, from: number): ReadonlyArray<StoredEvent> => {
  const lastOf = new Map<string, StoredEvent>();
  return rows.map((row) => {
    const before = lastOf.get(row.application);
    const linked =
      row.position < from
        ? row
        : { ...row, sequence: (before?.sequence ?? 0) + 1, previousHash: before?.hash ?? GENESIS_HASH };
    const whole = row.position < from ? row : { ...linked, hash: hashOf(linked) };
    lastOf.set(row.application, whole);
    return whole;
  });
};
const renumbered = (rows: ReadonlyArray<StoredEvent>): ReadonlyArray<StoredEvent> =>
  rows.map((row, n) => ({ ...row, position: n + 1 }));
const changedAt = (rows: ReadonlyArray<StoredEvent>, position: number, change: Partial<StoredEvent>) =>
  rows.map((row) => (row.position === position ? { ...row, ...change } : row));

const columns: ReadonlyArray<Partial<StoredEvent>> = [
  { payload: "{}" },
  { type: "ReleaseCompleted" },
  { recordedAt: "2020-01-01T00:00:00.000Z" },
  { releaseId: "another" },
  { application: "another" },
  { offset: 9_999 },
  { sequence: 9_999 },
  { eventId: "evt-another" },
  { refusal: { code: "paused", sentence: "never said" } },
  { hash: "0".repeat(64) },
  { previousHash: "0".repeat(64) },
];

/** Every kind of change that the record is to find. */
export const tamperings: { readonly [kind: string]: Tamper } = {
  "a column is changed": (rows, random) => {
    const position = pick(random, 1, rows.length + 1);
    return {
      rows: changedAt(rows, position, columns[pick(random, 0, columns.length)] ?? {}),
      head: headOf(rows),
      position,
    };
  },
  "a row is changed and hashed anew": (rows, random) => {
    const position = pick(random, 1, rows.length + 1);
    const changed = changedAt(rows, position, { payload: '{"reason":"none"}' }).map((row) =>
      row.position === position ? { ...row, hash: hashOf(row) } : row,
    );
    return { rows: changed, head: headOf(changed), position };
  },
  "a row is changed, and all after it are hashed anew": (rows, random) => {
    const position = pick(random, 1, rows.length + 1);
    const changed = rehashed(changedAt(rows, position, { payload: '{"reason":"none"}' }), position);
    return { rows: changed, head: headOf(changed), position };
  },
  "a row is taken out": (rows, random) => {
    const position = pick(random, 1, rows.length + 1);
    return { rows: rows.filter((row) => row.position !== position), head: headOf(rows), position };
  },
  "a row is taken out and the later ones are renumbered": (rows, random) => {
    const position = pick(random, 1, rows.length);
    return { rows: renumbered(rows.filter((row) => row.position !== position)), head: headOf(rows), position };
  },
  "a row is taken out, and all after it are renumbered and hashed anew": (rows, random) => {
    const position = pick(random, 1, rows.length);
    const left = rehashed(renumbered(rows.filter((row) => row.position !== position)), position);
    return { rows: left, head: headOf(left), position };
  },
  "the end is cut off": (rows, random) => {
    const position = pick(random, 2, rows.length + 1);
    const left = rows.filter((row) => row.position < position);
    return { rows: left, head: headOf(left), position };
  },
  "a row is put in and the later ones are renumbered": (rows, random) => {
    const position = pick(random, 2, rows.length + 1);
    const before = rows.filter((row) => row.position < position);
    const model = before.at(-1);
    if (!model) throw new Error("there is no row before");
    const forged = { ...model, position, offset: 9_000, sequence: model.sequence + 900, previousHash: model.hash };
    const all = [...before, { ...forged, hash: hashOf(forged) }, ...rows.slice(position - 1)];
    return { rows: renumbered(all), head: { ...headOf(rows) }, position };
  },
  "a row is put in, and all after it are renumbered and hashed anew": (rows, random) => {
    const position = pick(random, 2, rows.length + 1);
    const model = rows[position - 2];
    if (!model) throw new Error("there is no row before");
    const forged = { ...model, offset: 9_000, eventId: "evt-forged" };
    const all = rehashed(renumbered([...rows.slice(0, position - 1), forged, ...rows.slice(position - 1)]), position);
    return { rows: all, head: headOf(all), position };
  },
  "two rows are in each other's place": (rows, random) => {
    const first = pick(random, 1, rows.length);
    const second = pick(random, first + 1, rows.length + 1);
    const [a, b] = [rows[first - 1], rows[second - 1]];
    const all = rows.map((row) =>
      row === a && b ? { ...b, position: first } : row === b && a ? { ...a, position: second } : row,
    );
    return { rows: all, head: headOf(rows), position: first };
  },
};
