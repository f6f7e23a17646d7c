import { randomUUID } from "node:crypto";
import { deadLettersTopic, type Topic } from "@sluice/contracts";
import { Database, type DatabaseError, migrate } from "@sluice/postgres";
import * as Effect from "effect/Effect";
import * as Latch from "effect/Latch";
import * as Layer from "effect/Layer";
import * as Schedule from "effect/Schedule";
import type * as Scope from "effect/Scope";
import { deadLetterRecord, type StoredRecord } from "./dead-letter.ts";
import { countsOf, deliver, publishedTotal } from "./delivery.ts";
import { BusError, EventBus, type Handler } from "./event-bus.ts";
import { LAG_EVERY_MS, lagIs } from "./lag.ts";
import * as groups from "./postgres-group.ts";
import { prune, type RetainedTopic, reclaimSpace } from "./postgres-retention.ts";
import * as log from "./postgres-topic-log.ts";
import { encodeRecord, tooLarge } from "./record.ts";
import { traced } from "./trace-context.ts";
import { makeWaiter, type Waiter, WakeUps } from "./wake-up.ts";

export interface PostgresEventBusSettings {
  /** How often to look for records whose notification was missed. */
  readonly pollMs?: number;
  /** How often retention is applied. */
  readonly retentionMs?: number;
}

type AnyEvent = { readonly _tag: string };
type Db = Database["Service"];

/** A server may lose a notification with its connection; in one process they are never lost, and an idle stack sleeps. */
const POLL_MS = { server: 200, embedded: 10_000 };
const RETENTION_MS = 60_000;
/** Vacuum after this many deletions. */
const VACUUM_AFTER = 2_000;
/** While the database is away, subscriptions try again this often. */
const patience = Schedule.min([Schedule.exponential("50 millis"), Schedule.spaced("2 seconds")]);

const busError = (operation: BusError["operation"]) => (error: DatabaseError) =>
  new BusError({ operation, message: error.message });

/** What a subscription cannot do now it does later: it ends only with its scope. */
const whileAway =
  (topic: string) =>
  <A>(effect: Effect.Effect<A, DatabaseError>): Effect.Effect<A> =>
    effect.pipe(
      Effect.tapError((error) => Effect.logWarning(`the log of ${topic} is away, trying again: ${error.message}`)),
      Effect.retry(patience),
      Effect.orDie,
    );

const make = Effect.fn("EventBus.postgres")(function* (settings: PostgresEventBusSettings) {
  const db = yield* Database;
  yield* migrate(db, log.topicLogMigrations);
  if (db.embedded) yield* groups.releaseAll(db);

  const wakeUps = new WakeUps();
  const known = new Map<string, RetainedTopic>();
  const members = new Map<string, () => void>();

  const ensure = Effect.fnUntraced(function* <Event extends AnyEvent>(topic: Topic<Event>) {
    if (known.has(topic.name)) return;
    yield* log.createTopic(db, topic.name, topic.partitions);
    known.set(topic.name, topic);
  });

  // The topic comes before the transaction: what is rolled back must not be known as there.
  const bury = (topic: string) => (record: StoredRecord, reason: string) =>
    Effect.andThen(
      ensure(deadLettersTopic),
      db.transaction(
        Effect.gen(function* () {
          if (yield* log.markBuried(db, topic, record))
            yield* log.append(db, deadLettersTopic.name, deadLettersTopic.partitions, [
              deadLetterRecord(topic, record, reason),
            ]);
        }),
      ),
    );

  const publish = Effect.fn("EventBus.publish")(function* <Event extends AnyEvent>(
    topic: Topic<Event>,
    events: ReadonlyArray<Event>,
  ) {
    if (events.length === 0) return;
    const records = events.map((event) => encodeRecord(topic, event));
    const refused = tooLarge(records);
    if (refused) return yield* new BusError({ operation: "publish", message: refused });
    yield* Effect.mapError(
      Effect.andThen(ensure(topic), log.append(db, topic.name, topic.partitions, yield* traced(records))),
      busError("publish"),
    );
    yield* publishedTotal(topic.name, events.length);
  });

  const consume = Effect.fn("EventBus.consume")(function* <Event extends AnyEvent, Failure>(
    topic: Topic<Event>,
    group: string,
    handler: Handler<Event, Failure>,
  ) {
    yield* Effect.mapError(ensure(topic), busError("consume"));
    yield* countsOf(topic.name);
    for (let part = 0; part < topic.partitions; part++) {
      const at = { group, topic: topic.name, part, owner: randomUUID() };
      const waiter = yield* subscribed(wakeUps, topic.name, [part]);
      yield* Effect.addFinalizer(() => {
        members.delete(at.owner);
        return Effect.ignore(groups.release(db, at.owner));
      });
      const member = consumePartition(db, at, waiter, members, (records) =>
        deliver(topic, records, handler, bury(topic.name)),
      );
      yield* Effect.forkScoped(whileAway(topic.name)(member));
    }
  });

  const follow = Effect.fn("EventBus.follow")(function* <Event extends AnyEvent, Failure>(
    topic: Topic<Event>,
    handler: Handler<Event, Failure>,
  ) {
    const drained = (waiter: Waiter) =>
      drain(db, waiter, (records) => deliver(topic, records, handler, bury(topic.name)));
    const parts = Array.from({ length: topic.partitions }, (_, part) => part);
    const waiter = yield* Effect.mapError(
      Effect.gen(function* () {
        yield* ensure(topic);
        yield* countsOf(topic.name);
        const subscription = yield* subscribed(wakeUps, topic.name, parts, true);
        yield* drained(subscription);
        return subscription;
      }),
      busError("follow"),
    );
    yield* Effect.forkScoped(
      whileAway(topic.name)(Effect.forever(Effect.andThen(waiter.latch.await, drained(waiter)))),
    );
  });

  yield* db.listen(log.BUS_CHANNEL, (payload) => wakeUps.hint(payload));
  const pollMs = settings.pollMs ?? (db.embedded ? POLL_MS.embedded : POLL_MS.server);
  yield* repeatedly(pollMs, poll(db, wakeUps));
  if (!db.embedded) yield* repeatedly((groups.LEASE_SECONDS * 1_000) / 3, renewLeases(db, members));
  yield* repeatedly(settings.retentionMs ?? RETENTION_MS, retain(db, known));
  yield* repeatedly(LAG_EVERY_MS, tellLag(db, wakeUps));
  const check = Effect.mapError(log.ends(db, []), busError("publish"));
  return EventBus.of({ publish, consume, follow, check: Effect.asVoid(check) });
});

const subscribed = (wakeUps: WakeUps, topic: string, parts: ReadonlyArray<number>, isFold = false) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const waiter = makeWaiter(topic, parts, isFold);
      wakeUps.waiters.add(waiter);
      return waiter;
    }),
    (waiter) => Effect.sync(() => wakeUps.waiters.delete(waiter)),
  );

type Deliver = (records: ReadonlyArray<StoredRecord>) => Effect.Effect<void, DatabaseError>;

/** Delivers until no partition has more. The latch is closed before looking, so that no hint between is lost. */
const drain = Effect.fnUntraced(function* (db: Db, waiter: Waiter, handle: Deliver) {
  waiter.latch.closeUnsafe();
  for (const part of [...waiter.dirty].sort((a, b) => a - b)) {
    waiter.dirty.delete(part);
    yield* Effect.tapCause(drainPartition(db, waiter, part, handle), () =>
      Effect.sync(() => {
        waiter.dirty.add(part);
        waiter.latch.openUnsafe();
      }),
    );
  }
});

const drainPartition = Effect.fnUntraced(function* (db: Db, waiter: Waiter, part: number, handle: Deliver) {
  for (;;) {
    const records = yield* log.readBatch(db, waiter.topic, part, waiter.next.get(part) ?? 0);
    const last = records.at(-1);
    if (!last) return;
    yield* handle(records);
    waiter.next.set(part, last.offset + 1);
  }
});

/** One partition of a group: waits to own it, then handles and commits until it is lost. */
const consumePartition = (
  db: Db,
  at: groups.GroupPartition,
  waiter: Waiter,
  members: Map<string, () => void>,
  handle: Deliver,
): Effect.Effect<never, DatabaseError> =>
  Effect.forever(
    Effect.gen(function* () {
      const from = yield* groups.claim(db, at);
      if (from === null) return yield* Effect.sleep("500 millis");
      const lost = Latch.makeUnsafe(false);
      members.set(at.owner, () => lost.openUnsafe());
      waiter.next.set(at.part, from);
      waiter.dirty.add(at.part);
      yield* Effect.raceFirst(lost.await, consumeOwned(db, at, waiter, handle));
    }),
  );

/** Returns when a commit shows that the partition went to another member. */
const consumeOwned = Effect.fnUntraced(function* (db: Db, at: groups.GroupPartition, waiter: Waiter, handle: Deliver) {
  for (;;) {
    waiter.latch.closeUnsafe();
    const records = yield* log.readBatch(db, at.topic, at.part, waiter.next.get(at.part) ?? 0);
    const last = records.at(-1);
    if (!last) {
      yield* waiter.latch.await;
      continue;
    }
    yield* handle(records);
    if (!(yield* groups.commit(db, at, last.offset + 1))) return;
    waiter.next.set(at.part, last.offset + 1);
  }
});

/** Background work goes on for the life of the bus; a failure is told and tried again with the next turn. */
const repeatedly = (
  everyMs: number,
  work: Effect.Effect<unknown, DatabaseError>,
): Effect.Effect<void, never, Scope.Scope> =>
  Effect.asVoid(
    Effect.forkScoped(
      Effect.forever(
        Effect.andThen(
          Effect.sleep(everyMs),
          Effect.catch(work, (error) => Effect.logWarning(`event bus: ${error.message}`)),
        ),
      ),
    ),
  );

/** Of the groups as they have committed, and of this process's own folds. */
const tellLag = (db: Db, wakeUps: WakeUps) =>
  Effect.gen(function* () {
    for (const { grp, topic, lag } of yield* groups.lags(db)) yield* lagIs(topic, grp, lag);
    const ends = yield* log.ends(db, wakeUps.topics());
    for (const { topic, next, isFold } of wakeUps.waiters) {
      const own = isFold ? ends.filter((end) => end.topic === topic) : [];
      const behind = own.map(({ part, next_offset }) => next_offset - (next.get(part) ?? 0));
      if (isFold)
        yield* lagIs(
          topic,
          "follow",
          behind.reduce((sum, records) => sum + records, 0),
        );
    }
  });

const poll = (db: Db, wakeUps: WakeUps) =>
  Effect.gen(function* () {
    const topics = wakeUps.topics();
    if (topics.length === 0) return;
    for (const { topic, part, next_offset } of yield* log.ends(db, topics)) wakeUps.end(topic, part, next_offset);
  });

const renewLeases = (db: Db, members: Map<string, () => void>) =>
  Effect.gen(function* () {
    const owners = [...members.keys()];
    if (owners.length === 0) return;
    const holding = yield* groups.renew(db, owners);
    for (const owner of owners) if (!holding.has(owner)) members.get(owner)?.();
  });

const retain = (db: Db, known: ReadonlyMap<string, RetainedTopic>) => {
  let deleted = 0;
  return Effect.gen(function* () {
    for (const topic of known.values()) deleted += yield* prune(db, topic);
    if (deleted < VACUUM_AFTER) return;
    yield* reclaimSpace(db);
    deleted = 0;
  });
};

/** Topics as tables: a durable, gap-free, ordered log on the shared database, embedded or a server. */
export const layerPostgres = (
  settings: PostgresEventBusSettings = {},
): Layer.Layer<EventBus, DatabaseError, Database> => Layer.effect(EventBus, make(settings));
