import { assert, describe, it } from "@effect/vitest";
import { type DeadLetter, deadLetterId, deadLettersTopic, type Topic } from "@sluice/contracts";
import * as Deferred from "effect/Deferred";
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import * as Latch from "effect/Latch";
import * as Schema from "effect/Schema";
import * as Scope from "effect/Scope";
import type { EventBus, Received } from "./event-bus.ts";
import { MAX_RECORD_BYTES } from "./record.ts";

const Noted = Schema.TaggedStruct("Noted", { key: Schema.String, n: Schema.Int, text: Schema.String });
type Noted = typeof Noted.Type;
/** What the same topic carries when somebody else writes to it. */
const Anything = Schema.TaggedStruct("Noted", { key: Schema.String });

let topics = 0;
/** A topic of its own for each test, because a log is never emptied. */
const newTopic = (): Topic<Noted> => ({
  name: `conformance.${process.pid}.${Date.now()}.${++topics}`,
  schema: Noted,
  retention: "forever",
  partitions: 4,
  keyOf: (event) => event.key,
  idOf: (event) => `${event.key}/${event.n}`,
});

const noted = (key: string, n: number, text = ""): Noted => ({ _tag: "Noted", key, n, text });
const numbered = (keys: ReadonlyArray<string>, count: number) =>
  Array.from({ length: count }, (_, n) => keys.map((key) => noted(key, n))).flat();

/** What a handler has seen, and a way to wait for it without looking at the clock. */
const collect = () => {
  const events: Array<Received<Noted>> = [];
  const changed = Latch.makeUnsafe(false);
  const add = (batch: ReadonlyArray<Received<Noted>>) =>
    Effect.sync(() => {
      events.push(...batch);
      changed.openUnsafe();
    });
  const until = (count: number) =>
    Effect.gen(function* () {
      while (events.length < count) {
        changed.closeUnsafe();
        yield* changed.await;
      }
    }).pipe(
      Effect.timeoutOrElse({
        duration: "20 seconds",
        orElse: () => Effect.die(new Error(`waited for ${count} events, got ${events.length}`)),
      }),
    );
  /** The highest number of each key has come. */
  const untilEach = (keys: ReadonlyArray<string>, count: number) =>
    Effect.gen(function* () {
      while (keys.some((key) => !numbersOf(key).includes(count - 1))) {
        changed.closeUnsafe();
        yield* changed.await;
      }
    }).pipe(Effect.timeout("20 seconds"), Effect.orDie);
  const numbersOf = (key: string) => events.filter(({ event }) => event.key === key).map(({ event }) => event.n);
  return { events, add, until, untilEach, numbersOf };
};

const upTo = (count: number) => Array.from({ length: count }, (_, n) => n);

/** Runs in a scope of its own, as a service that is stopped afterwards. */
const service = Effect.acquireRelease(Scope.make(), (scope) => Scope.close(scope, Exit.void));

interface ConformanceOptions {
  readonly timeoutMs?: number;
  readonly gapFree?: boolean;
  /** Makes the log compact the topic, if it can, and returns when it has; null where nothing is ever compacted. */
  readonly compact?: ((topic: Topic<Noted>) => Effect.Effect<void, unknown, Scope.Scope>) | null;
}

/**
 * What every bus promises. `open` gives a bus on the same log each time it is called, as after a restart, and closes it
 * with its scope.
 */
export const eventBusConformance = (
  name: string,
  open: Effect.Effect<EventBus["Service"], unknown, Scope.Scope>,
  { timeoutMs = 30_000, gapFree = true, compact = null }: ConformanceOptions = {},
): void => {
  const promise = (title: string, body: Effect.Effect<void, unknown, Scope.Scope>) =>
    it.live(title, () => body, timeoutMs);

  describe(name, () => {
    promise(
      "keeps the order of each key, loses nothing and gives rising offsets",
      Effect.gen(function* () {
        const bus = yield* open;
        const topic = newTopic();
        const seen = collect();
        yield* bus.consume(topic, "g", seen.add);
        const keys = ["a", "b", "c", "d", "e"];
        for (let n = 0; n < 20; n++)
          yield* bus.publish(
            topic,
            keys.map((key) => noted(key, n)),
          );
        yield* seen.until(100);
        for (const key of keys) assert.deepStrictEqual(seen.numbersOf(key), upTo(20));
        for (const partition of new Set(seen.events.map((received) => received.partition))) {
          const offsets = seen.events.filter((received) => received.partition === partition).map((r) => r.offset);
          if (gapFree) assert.deepStrictEqual(offsets, upTo(offsets.length));
          assert.isTrue(offsets.every((offset, i) => i === 0 || offset > (offsets[i - 1] ?? 0)));
        }
      }),
    );

    promise(
      "delivers a failed batch again, in order, also when the handler has a bug",
      Effect.gen(function* () {
        const bus = yield* open;
        const topic = newTopic();
        const seen = collect();
        let calls = 0;
        yield* bus.publish(topic, numbered(["a"], 10));
        yield* bus.consume(topic, "g", (batch) => {
          calls += 1;
          if (calls === 1) return Effect.fail("not now");
          if (calls === 2) return Effect.die(new Error("a bug"));
          return seen.add(batch);
        });
        yield* seen.until(10);
        assert.deepStrictEqual(seen.numbersOf("a"), upTo(10));
        assert.isAtLeast(calls, 3);
      }),
    );

    promise(
      "lets groups read independently, each from the start",
      Effect.gen(function* () {
        const bus = yield* open;
        const topic = newTopic();
        const [first, second] = [collect(), collect()];
        yield* bus.consume(topic, "first", first.add);
        yield* bus.publish(topic, numbered(["a", "b"], 5));
        yield* first.until(10);
        yield* bus.consume(topic, "second", second.add);
        yield* second.until(10);
        assert.deepStrictEqual(second.numbersOf("b"), first.numbersOf("b"));
      }),
    );

    promise(
      "gives each record to one member of a group",
      Effect.gen(function* () {
        const bus = yield* open;
        const topic = newTopic();
        const seen = collect();
        yield* bus.consume(topic, "g", seen.add);
        yield* bus.consume(topic, "g", seen.add);
        yield* bus.publish(topic, numbered(["a", "b", "c"], 20));
        yield* seen.until(60);
        // A second delivery would come with the next records at the latest.
        yield* bus.publish(topic, numbered(["z"], 1));
        yield* seen.until(61);
        assert.strictEqual(seen.events.length, 61);
      }),
    );

    promise(
      "goes on after the last handled batch when it is started again",
      Effect.gen(function* () {
        const topic = newTopic();
        const [before, after] = [collect(), collect()];
        const first = yield* service;
        yield* Effect.gen(function* () {
          const bus = yield* open;
          yield* bus.publish(topic, numbered(["a"], 5));
          yield* bus.consume(topic, "g", before.add);
          yield* before.until(5);
          // The batch was handled; it is committed once a later one has been asked for.
          yield* bus.publish(topic, [noted("a", 5)]);
          yield* before.until(6);
        }).pipe(Scope.provide(first));
        yield* Scope.close(first, Exit.void);
        const bus = yield* open;
        yield* bus.publish(topic, numbered(["a"], 10).slice(6));
        yield* bus.consume(topic, "g", after.add);
        yield* after.until(4);
        // The last batch may come twice (it was handled, perhaps not committed); the ones before may not.
        assert.deepStrictEqual(after.numbersOf("a").slice(-4), [6, 7, 8, 9]);
        assert.isAtLeast(after.numbersOf("a")[0] ?? 0, 5);
      }),
    );

    promise(
      "delivers again what was under way when its service stopped",
      Effect.gen(function* () {
        const topic = newTopic();
        const started = yield* Deferred.make<void>();
        const first = yield* service;
        yield* Effect.gen(function* () {
          const bus = yield* open;
          yield* bus.publish(topic, numbered(["a"], 3));
          yield* bus.consume(topic, "g", () => Effect.andThen(Deferred.succeed(started, undefined), Effect.never));
          yield* Deferred.await(started);
        }).pipe(Scope.provide(first));
        yield* Scope.close(first, Exit.void);
        const bus = yield* open;
        const seen = collect();
        yield* bus.consume(topic, "g", seen.add);
        yield* seen.until(3);
        assert.deepStrictEqual(seen.numbersOf("a"), upTo(3));
      }),
    );

    promise(
      "follow replays from the start, returns caught up, and goes on",
      Effect.gen(function* () {
        const bus = yield* open;
        const topic = newTopic();
        yield* bus.publish(topic, numbered(["a", "b", "c"], 300));
        for (const seen of [collect(), collect()]) {
          const before = seen.events.length;
          yield* bus.follow(topic, seen.add);
          assert.isAtLeast(seen.events.length, 900);
          assert.deepStrictEqual(seen.numbersOf("b").slice(0, 300), upTo(300));
          yield* bus.publish(topic, [noted("d", before)]);
          yield* seen.until(901);
        }
      }),
    );

    promise(
      "follow of an empty topic returns at once",
      Effect.gen(function* () {
        const bus = yield* open;
        yield* bus.follow(newTopic(), () => Effect.void);
      }),
    );

    promise(
      "bounds its batches",
      Effect.gen(function* () {
        const bus = yield* open;
        const topic = newTopic();
        yield* bus.publish(topic, numbered(["a"], 1_200));
        let largest = 0;
        const seen = collect();
        yield* bus.follow(topic, (batch) => {
          largest = Math.max(largest, batch.length);
          return seen.add(batch);
        });
        assert.strictEqual(seen.events.length, 1_200);
        assert.isAtMost(largest, 500);
      }),
    );

    promise(
      "keeps every character of a text",
      Effect.gen(function* () {
        const bus = yield* open;
        const topic = newTopic();
        const text = 'quotes " \\ \' null \u0000 line \n tab \t umlaut ä emoji 🧪 {"a":[1,{}]} \u2028';
        yield* bus.publish(topic, [noted("a", 0, text)]);
        const seen = collect();
        yield* bus.follow(topic, seen.add);
        assert.strictEqual(seen.events[0]?.event.text, text);
      }),
    );

    promise(
      "shares the work anew when a member joins and when one leaves, in the order of each key, and loses nothing",
      Effect.gen(function* () {
        const bus = yield* open;
        const topic = newTopic();
        const seen = collect();
        const keys = ["a", "b", "c", "d", "e", "f", "g", "h"];
        const publish = (from: number, to: number) =>
          Effect.forEach(
            Array.from({ length: to - from }, (_, i) => from + i),
            (n) =>
              bus.publish(
                topic,
                keys.map((key) => noted(key, n)),
              ),
          );
        yield* bus.consume(topic, "g", seen.add);
        yield* publish(0, 10);
        const joined = yield* service;
        yield* Effect.gen(function* () {
          const other = yield* open;
          yield* other.consume(topic, "g", seen.add);
          yield* publish(10, 20);
        }).pipe(Scope.provide(joined));
        yield* seen.until(keys.length * 20);
        yield* Scope.close(joined, Exit.void);
        yield* publish(20, 30);
        // What a member had in hand when it left may come twice; no key goes back further than that.
        yield* seen.untilEach(keys, 30);
        for (const key of keys) assert.deepStrictEqual([...new Set(seen.numbersOf(key))], upTo(30));
      }),
    );

    promise(
      "takes no more than its handler can: one batch of a partition at a time",
      Effect.gen(function* () {
        const bus = yield* open;
        const topic = { ...newTopic(), partitions: 1 };
        yield* bus.publish(topic, numbered(["a"], 1_500));
        const seen = collect();
        let underWay = 0;
        let most = 0;
        yield* bus.consume(topic, "g", (batch) =>
          Effect.gen(function* () {
            underWay += 1;
            most = Math.max(most, underWay);
            yield* Effect.sleep("20 millis");
            yield* seen.add(batch);
            underWay -= 1;
          }),
        );
        yield* seen.until(1_500);
        assert.strictEqual(most, 1);
        assert.deepStrictEqual(seen.numbersOf("a"), upTo(1_500));
      }),
    );

    promise(
      "keeps at least the last record of each key of a compacted topic, in their order",
      Effect.gen(function* () {
        const bus = yield* open;
        const topic = { ...newTopic(), retention: "compacted" as const, partitions: 1 };
        yield* bus.publish(topic, numbered(["a", "b", "c"], 50));
        if (compact) yield* compact(topic);
        const seen = collect();
        yield* bus.follow(topic, seen.add);
        for (const key of ["a", "b", "c"]) {
          const numbers = seen.numbersOf(key);
          assert.strictEqual(numbers.at(-1), 49);
          assert.deepStrictEqual(
            numbers,
            numbers.toSorted((one, other) => one - other),
          );
        }
        if (compact) assert.isBelow(seen.events.length, 150);
      }),
    );

    promise(
      "carries an event of the largest size",
      Effect.gen(function* () {
        const bus = yield* open;
        const topic = newTopic();
        const text = "x".repeat(MAX_RECORD_BYTES - 1_024);
        yield* bus.publish(topic, [noted("a", 0, text), noted("a", 1)]);
        const seen = collect();
        yield* bus.follow(topic, seen.add);
        assert.deepStrictEqual(seen.numbersOf("a"), [0, 1]);
        assert.strictEqual(seen.events[0]?.event.text.length, text.length);
      }),
    );

    promise(
      "refuses an event that is too large with a sentence, and publishes nothing of the call",
      Effect.gen(function* () {
        const bus = yield* open;
        const topic = newTopic();
        const large = noted("b", 1, "x".repeat(MAX_RECORD_BYTES));
        const refused = yield* Effect.flip(bus.publish(topic, [noted("a", 0), large]));
        assert.match(refused.message, /^event b\/1 has \d+ bytes, more than 4194304: put large evidence/);
        yield* bus.publish(topic, [noted("a", 7)]);
        const seen = collect();
        yield* bus.follow(topic, seen.add);
        assert.deepStrictEqual(seen.numbersOf("a"), [7]);
      }),
    );

    promise(
      "puts what cannot be read to the dead letters, as it was and under one id, and goes on",
      Effect.gen(function* () {
        const bus = yield* open;
        const topic = newTopic();
        const foreign: Topic<typeof Anything.Type> = {
          ...topic,
          schema: Anything,
          keyOf: (event) => event.key,
          idOf: () => "poison",
        };
        yield* bus.publish(topic, [noted("a", 0)]);
        yield* bus.publish(foreign, [Anything.make({ key: "a" })]);
        yield* bus.publish(topic, [noted("a", 1)]);
        const [consumed, followed] = [collect(), collect()];
        yield* bus.consume(topic, "g", consumed.add);
        yield* consumed.until(2);
        yield* bus.follow(topic, followed.add);
        assert.deepStrictEqual(consumed.numbersOf("a"), [0, 1]);
        assert.deepStrictEqual(followed.numbersOf("a"), [0, 1]);
        const letters = new Map<string, DeadLetter>();
        yield* bus.follow(deadLettersTopic, (batch) =>
          Effect.sync(() => {
            for (const { event } of batch) letters.set(deadLetterId(event), event);
          }),
        );
        const [letter, ...more] = [...letters.values()].filter((found) => found.topic === topic.name);
        assert.lengthOf(more, 0);
        if (!letter) return assert.fail("the record is not among the dead letters");
        assert.strictEqual(letter.key, "a");
        assert.strictEqual(letter.value, '{"_tag":"Noted","key":"a"}');
        assert.strictEqual(letter.headers.ce_id, "poison");
        assert.match(letter.reason, /\["n"\]/);
      }),
    );
  });
};
