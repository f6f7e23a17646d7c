import type { Topic } from "@sluice/contracts";
import type { Admin } from "kafkajs";
import { MAX_BATCH_BYTES } from "./kafka-settings.ts";

type AnyTopic = Pick<Topic<never>, "name" | "partitions" | "retention">;

const DAY_MS = 86_400_000;

const configEntries = ({ retention }: AnyTopic) => {
  const size = { name: "max.message.bytes", value: String(MAX_BATCH_BYTES) };
  if (retention === "compacted") return [size, { name: "cleanup.policy", value: "compact" }];
  const retentionMs = retention === "forever" ? -1 : retention.days * DAY_MS;
  return [
    size,
    { name: "cleanup.policy", value: "delete" },
    { name: "retention.ms", value: String(retentionMs) },
    { name: "retention.bytes", value: "-1" },
    // A segment goes as a whole, when its last record is too old: by the broker's own setting a record may live a week longer.
    ...(retention === "forever" ? [] : [{ name: "segment.ms", value: String(DAY_MS) }]),
  ];
};

/**
 * Creates topics by their definition when they are first used. A topic that is there already is left as its operator made
 * it, also when it has another number of partitions.
 */
export class KafkaTopics {
  readonly #admin: Admin;
  readonly #replicationFactor: number;
  readonly #partitions = new Map<string, Promise<number>>();

  constructor(admin: Admin, replicationFactor: number) {
    this.#admin = admin;
    this.#replicationFactor = replicationFactor;
  }

  /** How many partitions the topic really has. */
  partitions(topic: AnyTopic): Promise<number> {
    const known = this.#partitions.get(topic.name) ?? this.#ensure(topic);
    this.#partitions.set(topic.name, known);
    // A failure is not remembered: the broker may be there the next time.
    known.catch(() => this.#partitions.delete(topic.name));
    return known;
  }

  async #ensure(topic: AnyTopic): Promise<number> {
    const deadline = Date.now() + SETTLED_WITHIN_MS;
    for (;;) {
      try {
        const partitions = await this.#createAndCount(topic);
        if (partitions > 0) return partitions;
      } catch (cause) {
        if (!isNotHostedYet(cause) || Date.now() > deadline) throw cause;
      }
      await new Promise((resolve) => setTimeout(resolve, SETTLED_POLL_MS));
    }
  }

  async #createAndCount(topic: AnyTopic): Promise<number> {
    await this.#admin.createTopics({
      waitForLeaders: true,
      topics: [
        {
          topic: topic.name,
          numPartitions: topic.partitions,
          replicationFactor: this.#replicationFactor,
          configEntries: configEntries(topic),
        },
      ],
    });
    const { topics } = await this.#admin.fetchTopicMetadata({ topics: [topic.name] });
    // Every partition's leader answers this, or it fails.
    await this.#admin.fetchTopicOffsets(topic.name);
    return topics[0]?.partitions.length ?? 0;
  }
}

export const SETTLED_WITHIN_MS = 15_000;
export const SETTLED_POLL_MS = 50;
const notYet = new Set(["UNKNOWN_TOPIC_OR_PARTITION", "LEADER_NOT_AVAILABLE", "NOT_LEADER_FOR_PARTITION"]);

/**
 * Whether another instance may have just created the topic: until each partition has a leader that knows of it, the broker
 * answers as if there were no such topic.
 */
export const isNotHostedYet = (cause: unknown): boolean => {
  if (!(cause instanceof Error)) return false;
  return ("type" in cause && notYet.has(String(cause.type))) || isNotHostedYet(cause.cause);
};
