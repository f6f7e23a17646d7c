import { assert, describe, it } from "@effect/vitest";
import { ReleaseEvent, releasesTopic, type Topic } from "@sluice/contracts";
import { CloudEvent, Kafka as CloudEventsKafka } from "cloudevents";
import * as Context from "effect/Context";
import * as Deferred from "effect/Deferred";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import * as Redacted from "effect/Redacted";
import * as Schema from "effect/Schema";
import { type IHeaders, Kafka, type KafkaMessage, logLevel } from "kafkajs";
import { afterAll } from "vitest";
import { EventBus } from "./event-bus.ts";
import { eventBusConformance } from "./event-bus-conformance.ts";
import { layerKafka } from "./kafka-event-bus.ts";
import type { KafkaEventBusSettings, KafkaSasl } from "./kafka-settings.ts";
import { testBroker } from "./kafka-test-broker.ts";
import { testUser, unsignedToken } from "./kafka-test-security.ts";

const broker = await testBroker();

const openWith = (settings: KafkaEventBusSettings) =>
  Effect.map(Layer.build(Layer.fresh(layerKafka(settings))), (context) => Context.get(context, EventBus));

const Ticked = Schema.TaggedStruct("Ticked", { n: Schema.Int });
const topicOf = (name: string): Topic<typeof Ticked.Type> => ({
  name: `${name}.${process.pid}.${Date.now()}`,
  schema: Ticked,
  retention: "forever",
  partitions: 1,
  keyOf: () => "k",
  idOf: ({ n }) => String(n),
});

if ("skipped" in broker) describe.skip("the bus on Kafka", () => it(`is not tested: ${broker.skipped}`, () => {}));
else {
  afterAll(broker.remove);
  const { brokers, secured } = broker;
  const open = openWith({ brokers });
  const kafka = new Kafka({ brokers: [...brokers], clientId: "stranger", logLevel: logLevel.NOTHING });

  /** The log's own bytes, as a tool reads them that knows nothing of ours. */
  const rawRecords = (topic: string, count: number) =>
    Effect.gen(function* () {
      const complete = yield* Deferred.make<ReadonlyArray<KafkaMessage>>();
      const consumer = yield* Effect.acquireRelease(
        Effect.sync(() => kafka.consumer({ groupId: `raw.${topic}` })),
        (opened) => Effect.promise(() => opened.disconnect()),
      );
      const records: Array<KafkaMessage> = [];
      yield* Effect.promise(async () => {
        await consumer.subscribe({ topics: [topic], fromBeginning: true });
        await consumer.run({
          eachMessage: async ({ message }) => {
            records.push(message);
            if (records.length === count) Deferred.doneUnsafe(complete, Effect.succeed(records));
          },
        });
      });
      return yield* Deferred.await(complete);
    });

  /** Rolls the open segment, because the cleaner leaves that alone, and waits until earlier records are gone. */
  const compact = (topic: { readonly name: string }) =>
    Effect.gen(function* () {
      const admin = kafka.admin();
      const producer = kafka.producer();
      yield* Effect.addFinalizer(() => Effect.promise(() => Promise.all([admin.disconnect(), producer.disconnect()])));
      yield* Effect.promise(async () => {
        await admin.connect();
        await producer.connect();
        const config = { "segment.ms": "100", "min.cleanable.dirty.ratio": "0.001", "max.message.bytes": "8388608" };
        const configEntries = Object.entries({ ...config, "cleanup.policy": "compact" });
        const resources = [
          { type: 2, name: topic.name, configEntries: configEntries.map(([name, value]) => ({ name, value })) },
        ];
        await admin.alterConfigs({ validateOnly: false, resources });
      });
      const isCompacted = Effect.promise(async () => {
        const value = JSON.stringify({ _tag: "Noted", key: "roll", n: 0, text: "" });
        await producer.send({ topic: topic.name, messages: [{ key: "roll", value, partition: 0 }] });
        return (await countOf(topic.name)) < 150;
      });
      yield* Effect.repeat(Effect.delay(isCompacted, "300 millis"), { until: (done) => done });
    });

  /** Records that a reader from the start meets before the end. */
  const countOf = async (topic: string): Promise<number> => {
    const consumer = kafka.consumer({ groupId: `count.${topic}.${Date.now()}`, maxWaitTimeInMs: 100 });
    const admin = kafka.admin();
    await admin.connect();
    const [end] = await admin.fetchTopicOffsets(topic);
    await admin.disconnect();
    let count = 0;
    await consumer.subscribe({ topics: [topic], fromBeginning: true });
    await new Promise<void>((resolve) => {
      void consumer.run({
        eachMessage: async ({ message }) => {
          count += 1;
          if (Number(message.offset) >= Number(end?.high) - 1) resolve();
        },
      });
    });
    await consumer.disconnect();
    return count;
  };

  // Transactions leave markers in the log, which take an offset each.
  eventBusConformance("the bus on Kafka", open, { gapFree: false, timeoutMs: 60_000, compact });

  describe("what is on Kafka", () => {
    it.live(
      "is CloudEvents in binary mode to a stranger's reader, and plain JSON to a raw one",
      () =>
        Effect.gen(function* () {
          const bus = yield* open;
          const published = paused;
          const topic = { ...releasesTopic, name: topicOf("stranger").name };
          yield* bus.publish(topic, [published]);
          const [record] = yield* rawRecords(topic.name, 1);
          if (!record) return assert.fail("there is no record");
          const headers = textOf(record.headers);
          const message = { headers, key: String(record.key), value: String(record.value), body: String(record.value) };
          const read = CloudEventsKafka.toEvent<Record<string, unknown>>(message);
          if (!(read instanceof CloudEvent)) return assert.fail("one record is one event");
          assert.isTrue(read.validate());
          assert.strictEqual(read.id, published.eventId);
          assert.strictEqual(read.type, `${topic.name}.ReleasePaused`);
          assert.strictEqual(read.source, "/sluice");
          assert.strictEqual(read.partitionkey, published.application);
          assert.deepStrictEqual(read.data, { ...published });
          assert.strictEqual(headers["content-type"], "application/json");
          assert.deepStrictEqual(JSON.parse(String(record.value)), { ...published });
          assert.strictEqual(String(record.key), published.application);
        }).pipe(Effect.scoped),
      60_000,
    );

    it.live(
      "goes within a day after its time where it is kept for days, because segments go as a whole",
      () =>
        Effect.gen(function* () {
          const bus = yield* open;
          const topic = { ...topicOf("days"), retention: { days: 7 } };
          yield* bus.publish(topic, [{ _tag: "Ticked", n: 1 }]);
          const configured = yield* Effect.promise(async () => {
            const admin = kafka.admin();
            await admin.connect();
            const resources = [{ type: 2, name: topic.name, configNames: ["retention.ms", "segment.ms"] }];
            const described = await admin.describeConfigs({ includeSynonyms: false, resources });
            await admin.disconnect();
            return described.resources[0]?.configEntries;
          });
          const settingOf = (name: string) => configured?.find((entry) => entry.configName === name)?.configValue;
          assert.strictEqual(settingOf("retention.ms"), String(7 * 86_400_000));
          assert.strictEqual(settingOf("segment.ms"), String(86_400_000));
        }).pipe(Effect.scoped),
      60_000,
    );
  });

  if (secured) {
    const password = Redacted.make(testUser.password);
    const mechanisms: ReadonlyArray<KafkaSasl> = [
      { mechanism: "plain", username: testUser.username, password },
      { mechanism: "scram-sha-256", username: testUser.username, password },
      { mechanism: "scram-sha-512", username: testUser.username, password },
      { mechanism: "oauthbearer", token: async () => unsignedToken("sluice") },
    ];
    const over = (sasl: KafkaSasl) => ({ brokers: [secured.address], tls: { ca: secured.ca }, sasl });
    describe("Kafka with TLS", () => {
      for (const sasl of mechanisms)
        it.live(
          `lets in who authenticates by ${sasl.mechanism}`,
          () =>
            Effect.gen(function* () {
              const bus = yield* openWith(over(sasl));
              const topic = topicOf(sasl.mechanism);
              yield* bus.publish(topic, [Ticked.make({ n: 1 })]);
              const seen: Array<number> = [];
              yield* bus.follow(topic, (batch) => Effect.sync(() => void seen.push(...batch.map((r) => r.event.n))));
              assert.deepStrictEqual(seen, [1]);
            }).pipe(Effect.scoped),
          60_000,
        );

      it.live(
        "refuses a wrong password in one sentence that does not tell it",
        () =>
          Effect.gen(function* () {
            const wrong = Redacted.make("a-wrong-one");
            const error = yield* Effect.flip(
              Effect.scoped(openWith(over({ mechanism: "plain", username: testUser.username, password: wrong }))),
            );
            assert.match(error.message, /^no Kafka at 127\.0\.0\.1:\d+: .*[Aa]uthentication/);
            assert.notInclude(error.message, "a-wrong-one");
          }),
        60_000,
      );

      it.live(
        "is not believed where its authority is not trusted",
        () =>
          Effect.gen(function* () {
            const sasl: KafkaSasl = { mechanism: "plain", username: testUser.username, password };
            const error = yield* Effect.flip(Effect.scoped(openWith({ brokers: [secured.address], tls: {}, sasl })));
            assert.match(error.message, /certificate/);
          }),
        60_000,
      );
    });
  }
}

const textOf = (headers: IHeaders | undefined): Record<string, string> =>
  Object.fromEntries(Object.entries(headers ?? {}).map(([name, value]) => [name, String(value)]));

const paused = Schema.decodeUnknownSync(ReleaseEvent)({
  _tag: "ReleasePaused",
  eventId: "evt-cca76cbbb41ae55ada3c1d56c30542057770bdc4",
  application: "support-bot",
  at: "2026-03-09T10:50:00.417Z",
  releaseId: "support-bot-2026-03-09-shorter-answers",
  author: { id: "on-call@example-shop.test", role: "operator" },
  reason: "error rate on the vendor's status page",
});

it.live(
  "a broker that is not there is told in one sentence",
  () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(Effect.scoped(openWith({ brokers: ["127.0.0.1:1"] })));
      assert.match(error.message, /^no Kafka at 127\.0\.0\.1:1: .*ECONNREFUSED/);
    }),
  60_000,
);
