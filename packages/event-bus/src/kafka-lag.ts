import * as Effect from "effect/Effect";
import type * as Scope from "effect/Scope";
import type { Admin } from "kafkajs";
import { LAG_EVERY_MS, lagIs } from "./lag.ts";

/** What a subscription has behind it: the group's commits, or the positions of a fold. */
export interface Subscribed {
  readonly topic: string;
  /** As the metric names it. */
  readonly group: string;
  /** The next offset by partition; partitions that were not read yet are missing. */
  readonly positions: () => Promise<ReadonlyMap<number, number>>;
}

/** Tells the lag of every subscription again and again. While the broker is away the last figure stands. */
export const kafkaLag = (
  admin: Pick<Admin, "fetchTopicOffsets">,
  subscriptions: ReadonlySet<Subscribed>,
): Effect.Effect<void, never, Scope.Scope> => {
  const lagOf = async ({ topic, positions }: Subscribed): Promise<number> => {
    const [ends, next] = await Promise.all([admin.fetchTopicOffsets(topic), positions()]);
    return ends.reduce((sum, { partition, low, high }) => {
      return sum + Math.max(0, Number(high) - Math.max(next.get(partition) ?? 0, Number(low)));
    }, 0);
  };
  const tell = (subscription: Subscribed) =>
    Effect.flatMap(
      Effect.tryPromise(() => lagOf(subscription)),
      (records) => lagIs(subscription.topic, subscription.group, records),
    );
  const tellAll = Effect.suspend(() =>
    Effect.forEach([...subscriptions], (subscription) => Effect.ignore(tell(subscription)), { discard: true }),
  );
  return Effect.asVoid(Effect.forkScoped(Effect.forever(Effect.andThen(Effect.sleep(LAG_EVERY_MS), tellAll))));
};

/** What a group has committed, over all its members. */
export const committed =
  (admin: Pick<Admin, "fetchOffsets">, groupId: string, topic: string) =>
  async (): Promise<ReadonlyMap<number, number>> => {
    const [offsets] = await admin.fetchOffsets({ groupId, topics: [topic] });
    return new Map((offsets?.partitions ?? []).map(({ partition, offset }) => [partition, Number(offset)]));
  };
