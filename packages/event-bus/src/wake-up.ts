import * as Latch from "effect/Latch";

/** Something that waits for records of some partitions of a topic. */
export interface Waiter {
  readonly topic: string;
  readonly latch: Latch.Latch;
  /** Partitions that may have records at or after `next`. */
  readonly dirty: Set<number>;
  /** The next offset to read, by partition: also says which partitions are waited for. */
  readonly next: Map<number, number>;
  /** Reads every record for this process alone; otherwise for a group. */
  readonly isFold: boolean;
}

export const makeWaiter = (topic: string, parts: ReadonlyArray<number>, isFold: boolean): Waiter => ({
  topic,
  latch: Latch.makeUnsafe(false),
  dirty: new Set(parts),
  next: new Map(parts.map((part) => [part, 0])),
  isFold,
});

/** Wakes whoever waits; an idle subscription costs nothing but its place in the set. */
export class WakeUps {
  readonly waiters = new Set<Waiter>();

  topics(): ReadonlyArray<string> {
    return [...new Set([...this.waiters].map((waiter) => waiter.topic))];
  }

  /** A hint of the database: `topic:part,part`; an empty one means that hints may have been missed. */
  hint(payload: string): void {
    const colon = payload.lastIndexOf(":");
    const topic = payload.slice(0, Math.max(colon, 0));
    const parts = payload
      .slice(colon + 1)
      .split(",")
      .map(Number);
    for (const waiter of this.waiters)
      if (colon < 0) wake(waiter, [...waiter.next.keys()]);
      else if (waiter.topic === topic) wake(waiter, parts);
  }

  /** A poll's answer: where a partition ends now. */
  end(topic: string, part: number, nextOffset: number): void {
    for (const waiter of this.waiters)
      if (waiter.topic === topic && (waiter.next.get(part) ?? nextOffset) < nextOffset) wake(waiter, [part]);
  }
}

const wake = (waiter: Waiter, parts: ReadonlyArray<number>): void => {
  const wanted = parts.filter((part) => waiter.next.has(part));
  if (wanted.length === 0) return;
  for (const part of wanted) waiter.dirty.add(part);
  waiter.latch.openUnsafe();
};
