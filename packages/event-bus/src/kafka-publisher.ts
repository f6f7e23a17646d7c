import { randomUUID } from "node:crypto";
import * as Effect from "effect/Effect";
import * as Semaphore from "effect/Semaphore";
import type { Admin, Kafka, Message, Producer, RecordMetadata } from "kafkajs";
import { BATCH_LIMIT } from "./delivery.ts";
import { partitionOf } from "./partition-of.ts";
import type { LogRecord } from "./record.ts";

/** Bytes of one request's record batch: below what a topic takes, headers and framing included. */
const REQUEST_BYTES = 5 * 1_024 * 1_024;

const connected = (make: () => Producer) =>
  Effect.acquireRelease(
    Effect.tryPromise(async () => {
      const producer = make();
      await producer.connect();
      return producer;
    }),
    (producer) => Effect.promise(() => producer.disconnect()),
  );

/**
 * One request to one partition is one record batch: the broker takes all of it or nothing, and an idempotent producer
 * sends it once. Only what goes to several partitions, or is too large for one request, needs a transaction to be all or
 * nothing; that costs two more round trips and a marker in the log.
 */
export const kafkaPublisher = Effect.fnUntraced(function* (kafka: Kafka, admin: Admin) {
  const idempotent = { idempotent: true, maxInFlightRequests: 1, allowAutoTopicCreation: false };
  const plain = yield* connected(() => kafka.producer(idempotent));
  const transactional = yield* connected(() =>
    kafka.producer({ ...idempotent, transactionalId: `sluice-${randomUUID()}` }),
  );
  // A producer has one transaction at a time; and requests of one that is retrying must not be overtaken.
  const turn = yield* Semaphore.make(1);

  const send = (topic: string, partitions: number, records: ReadonlyArray<LogRecord>) => {
    const requests = requestsOf(partitions, records);
    const [only] = requests;
    return Semaphore.withPermit(
      turn,
      Effect.uninterruptible(
        Effect.tryPromise({
          try: async () => {
            if (only && requests.length === 1) await plain.send({ topic, messages: only, acks: -1 });
            else await untilVisible(admin, topic, await inTransaction(transactional, topic, requests));
          },
          catch: (cause) => (cause instanceof Error ? cause.message : String(cause)),
        }),
      ),
    );
  };
  return { send };
});

const inTransaction = async (producer: Producer, topic: string, requests: ReadonlyArray<Array<Message>>) => {
  const transaction = await producer.transaction();
  try {
    const sent: Array<RecordMetadata> = [];
    for (const messages of requests) sent.push(...(await transaction.send({ topic, messages, acks: -1 })));
    await transaction.commit();
    return sent;
  } catch (cause) {
    await transaction.abort();
    throw cause;
  }
};

const VISIBLE_POLL_MS = 5;
/** The commit is durable by then in any case: its markers are only late. */
const VISIBLE_DEADLINE_MS = 5_000;

/**
 * The broker acknowledges a commit before its markers are in every partition, and readers see nothing until they are. Who
 * follows the topic after this publish must find it there.
 */
const untilVisible = async (admin: Admin, topic: string, sent: ReadonlyArray<RecordMetadata>): Promise<void> => {
  const deadline = Date.now() + VISIBLE_DEADLINE_MS;
  for (;;) {
    const ends = new Map((await admin.fetchTopicOffsets(topic)).map((end) => [end.partition, Number(end.high)]));
    const visible = sent.every(({ partition, baseOffset }) => (ends.get(partition) ?? 0) > Number(baseOffset ?? 0));
    if (visible || Date.now() > deadline) return;
    await new Promise((resolve) => setTimeout(resolve, VISIBLE_POLL_MS));
  }
};

/** In order within each partition; a request holds records of one partition, bounded in number and size. */
const requestsOf = (partitions: number, records: ReadonlyArray<LogRecord>): ReadonlyArray<Array<Message>> => {
  const requests: Array<Array<Message>> = [];
  const open = new Map<number, { messages: Array<Message>; bytes: number }>();
  for (const { key, headers, value } of records) {
    const partition = partitionOf(key, partitions);
    const bytes = Buffer.byteLength(value) + 1_024;
    let request = open.get(partition);
    if (!request || request.messages.length >= BATCH_LIMIT || request.bytes + bytes > REQUEST_BYTES) {
      request = { messages: [], bytes: 0 };
      open.set(partition, request);
      requests.push(request.messages);
    }
    request.messages.push({ key, value, headers: { ...headers }, partition });
    request.bytes += bytes;
  }
  return requests;
};
