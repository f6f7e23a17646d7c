import type * as Context from "effect/Context";
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import * as Fiber from "effect/Fiber";
import type { Consumer, EachBatchPayload, Kafka, KafkaMessage } from "kafkajs";
import type { StoredRecord } from "./dead-letter.ts";
import { BATCH_LIMIT } from "./delivery.ts";
import { MAX_BATCH_BYTES } from "./kafka-settings.ts";
import { isNotHostedYet, SETTLED_POLL_MS, SETTLED_WITHIN_MS } from "./kafka-topics.ts";

export interface KafkaSubscription {
  readonly topic: string;
  readonly group: string;
  /** Partitions handled at once; 1 where the handler folds. */
  readonly concurrency: number;
  /** Succeeds once the records are handled: only then they are committed. */
  readonly handle: (records: ReadonlyArray<StoredRecord>) => Effect.Effect<void>;
  /** Told after each batch: all below this offset of the partition is handled, markers of transactions included. */
  readonly onPosition?: (partition: number, offset: number) => void;
}

const HEARTBEAT_MS = 2_000;

/**
 * Consumes until the scope closes. A batch in hand is then given up, not waited for: it is delivered again elsewhere.
 * Heartbeats go on while a handler works, and a lost membership ends its work, so that two members never hold one
 * partition for long.
 */
export const kafkaConsumer = Effect.fnUntraced(function* (
  kafka: Kafka,
  context: Context.Context<never>,
  subscription: KafkaSubscription,
) {
  const inHand = new Set<Fiber.Fiber<void>>();
  const consumer = kafka.consumer({
    groupId: subscription.group,
    sessionTimeout: 10_000,
    heartbeatInterval: HEARTBEAT_MS,
    maxWaitTimeInMs: 500,
    maxBytesPerPartition: MAX_BATCH_BYTES,
    allowAutoTopicCreation: false,
    // Whatever happened, it starts again: a subscription ends only with its scope.
    retry: { retries: 5, initialRetryTime: 100, maxRetryTime: 2_000, restartOnFailure: async () => true },
  });
  consumer.on(consumer.events.END_BATCH_PROCESS, ({ payload }) =>
    subscription.onPosition?.(payload.partition, Number(payload.lastOffset) + 1),
  );

  const handle = (records: ReadonlyArray<StoredRecord>, heartbeat: () => Promise<void>): Promise<boolean> => {
    const fiber = Effect.runForkWith(context)(subscription.handle(records));
    inHand.add(fiber);
    const stop = () => Effect.runFork(Fiber.interrupt(fiber));
    const beat = setInterval(() => void heartbeat().catch(stop), HEARTBEAT_MS);
    return Effect.runPromise(Fiber.await(fiber)).then((exit) => {
      clearInterval(beat);
      inHand.delete(fiber);
      return Exit.isSuccess(exit);
    });
  };

  yield* Effect.acquireRelease(
    Effect.tryPromise(async () => {
      await consumer.connect();
      await subscribe(consumer, subscription.topic);
      await consumer.run({
        autoCommit: false,
        eachBatchAutoResolve: false,
        partitionsConsumedConcurrently: subscription.concurrency,
        eachBatch: (payload) => handleBatch(consumer, payload, handle),
      });
    }),
    () =>
      Effect.gen(function* () {
        // Disconnecting waits for the batches in hand, so these are given up while it does, also ones just begun.
        const left = yield* Effect.forkChild(Effect.ignore(Effect.tryPromise(() => consumer.disconnect())));
        while (left.pollUnsafe() === undefined) {
          yield* Fiber.interruptAll(inHand);
          yield* Effect.sleep("20 millis");
        }
      }),
  );
});

/** A broker that does not know yet of a topic that was just made is asked again. */
const subscribe = async (consumer: Consumer, topic: string): Promise<void> => {
  const deadline = Date.now() + SETTLED_WITHIN_MS;
  for (;;) {
    try {
      return await consumer.subscribe({ topics: [topic], fromBeginning: true });
    } catch (cause) {
      if (!isNotHostedYet(cause) || Date.now() > deadline) {
        await consumer.disconnect();
        throw cause;
      }
      await new Promise((resolve) => setTimeout(resolve, SETTLED_POLL_MS));
    }
  }
};

const handleBatch = async (
  consumer: Consumer,
  { batch, heartbeat, resolveOffset, isRunning, isStale }: EachBatchPayload,
  handle: (records: ReadonlyArray<StoredRecord>, heartbeat: () => Promise<void>) => Promise<boolean>,
): Promise<void> => {
  const { topic, partition, messages } = batch;
  for (let from = 0; from < messages.length; from += BATCH_LIMIT) {
    if (!isRunning() || isStale()) return;
    const records = messages.slice(from, from + BATCH_LIMIT).map((message) => storedRecord(partition, message));
    const last = records.at(-1);
    if (!last || !(await handle(records, heartbeat))) return;
    resolveOffset(String(last.offset));
    await consumer.commitOffsets([{ topic, partition, offset: String(last.offset + 1) }]);
    await heartbeat();
  }
};

const storedRecord = (partition: number, { key, headers, value, offset }: KafkaMessage): StoredRecord => ({
  partition,
  offset: Number(offset),
  key: key?.toString("utf8") ?? "",
  headers: Object.fromEntries(
    Object.entries(headers ?? {}).map(([name, content]) => [
      name,
      String(Array.isArray(content) ? content[0] : content),
    ]),
  ),
  // A tombstone has no value; no event is empty, so it is found unreadable like any other foreign record.
  value: value?.toString("utf8") ?? "",
});
