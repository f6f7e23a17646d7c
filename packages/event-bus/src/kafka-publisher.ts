import { randomUUID } from "node:crypto";
import * as Effect from "effect/Effect";
import * as Semaphore from "effect/Semaphore";
import type { Admin, Message, Producer, ProducerConfig, RecordMetadata } from "kafkajs";
import { BATCH_LIMIT } from "./delivery.ts";
import { partitionOf } from "./partition-of.ts";
import type { LogRecord } from "./record.ts";

/** Bytes of one request's record batch: below what a topic takes, headers and framing included. */
const REQUEST_BYTES = 5 * 1_024 * 1_024;

/** What of the client is used here. */
export type PublishingProducer = Pick<Producer, "connect" | "disconnect" | "send" | "transaction">;
export type PublishingClient = { readonly producer: (config: ProducerConfig) => PublishingProducer };

const connected = (make: () => PublishingProducer) =>
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
export const kafkaPublisher = Effect.fnUntraced(function* (
  kafka: PublishingClient,
  admin: Pick<Admin, "fetchTopicOffsets">,
) {
  const idempotent = { idempotent: true, maxInFlightRequests: 1, allowAutoTopicCreation: false };
  const plain = yield* connected(() => kafka.producer(idempotent));
  const transactional = yield* connected(() =>
    kafka.producer({ ...idempotent, transactionalId: `sluice-${randomUUID()}` }),
  );
  // Requests of a topic that is retrying must not be overtaken by its later ones. Other topics do not wait for them: a
  // heartbeat behind slow observations would look like a gateway that is gone.
  const turns = new Map<string, Semaphore.Semaphore>();
  const turnOf = (topic: string) => {
    const turn = turns.get(topic) ?? Semaphore.makeUnsafe(1);
    turns.set(topic, turn);
    return turn;
  };
  // A producer has one transaction at a time.
  const transaction = Semaphore.makeUnsafe(1);

  const send = (topic: string, partitions: number, records: ReadonlyArray<LogRecord>) => {
    const requests = requestsOf(partitions, records);
    const [only] = requests;
    const sent = attempt(async () => {
      if (only && requests.length === 1) await plain.send({ topic, messages: only, acks: -1 });
    });
    const sentTogether = Semaphore.withPermit(
      transaction,
      attempt(async () => untilVisible(admin, topic, await inTransaction(transactional, topic, requests))),
    );
    return Semaphore.withPermit(turnOf(topic), requests.length === 1 ? sent : sentTogether);
  };
  return { send };
});

/** A request on its way cannot be called back: whoever gives up waiting leaves it to end. */
const attempt = (request: () => Promise<void>) =>
  Effect.uninterruptible(
    Effect.tryPromise({ try: request, catch: (cause) => (cause instanceof Error ? cause.message : String(cause)) }),
  );

const inTransaction = async (producer: PublishingProducer, topic: string, requests: ReadonlyArray<Array<Message>>) => {
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
const untilVisible = async (
  admin: Pick<Admin, "fetchTopicOffsets">,
  topic: string,
  sent: ReadonlyArray<RecordMetadata>,
): Promise<void> => {
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
