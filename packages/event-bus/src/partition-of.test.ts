import { assert, it } from "@effect/vitest";
import { Partitioners } from "kafkajs";
import { partitionOf } from "./partition-of.ts";

it("a key goes to the partition that Kafka's own clients choose", () => {
  const partitioner = Partitioners.DefaultPartitioner();
  const partitionMetadata = Array.from({ length: 7 }, (_, partitionId) => ({
    partitionErrorCode: 0,
    partitionId,
    leader: 1,
    replicas: [1],
    isr: [1],
  }));
  for (const key of ["a", "ab", "abc", "abcd", "support-bot", "größe", "🧪", "x".repeat(1_001)]) {
    const message = { key: Buffer.from(key), value: "" };
    assert.strictEqual(partitionOf(key, 7), partitioner({ topic: "t", partitionMetadata, message }), key);
  }
});
