import { assert, it } from "@effect/vitest";
import { canonicalJson, type ReleaseEvent, timestampOf } from "@sluice/contracts";
import { EMPTY_ROOT, isConsistent, rootByInclusion } from "@sluice/transparency";
import * as Effect from "effect/Effect";
import { GENESIS_HASH, hashOf } from "./chain.ts";
import { EventStore, type EventStoreError, type RecordedEvent } from "./event-store.ts";
import { MAX_READ_BYTES } from "./read-limit.ts";
import { RecordTree } from "./record-tree.ts";
import { verifyRecord } from "./verify-record.ts";

const author = { id: "ada", role: "admin" } as const;

/** A small legal event; what it says is of no concern to the store. */
export const aborted = (application: string, n: number): ReleaseEvent => ({
  _tag: "ReleaseAborted",
  eventId: `evt-${application}-${String(n).padStart(8, "0")}`,
  application,
  releaseId: `${application}-rel-${n % 3}`,
  at: timestampOf(n),
  author,
  reason: `grüße "${n}" \u0000 🧪`,
});

export const recorded = (application: string, n: number, partition = 0): RecordedEvent => ({
  partition,
  offset: n,
  event: aborted(application, n),
  refusal: n % 4 === 3 ? { code: "paused", sentence: "it is paused" } : null,
});

const at = "2026-01-01T00:00:00.000Z";
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

/** What every event store promises; `provideEmpty` gives each promise an empty one. */
export const eventStoreContract = (
  name: string,
  provideEmpty: <A>(body: Effect.Effect<A, EventStoreError, EventStore>) => Effect.Effect<A, unknown>,
): void => {
  const promise = (title: string, body: Effect.Effect<void, EventStoreError, EventStore>) =>
    it.live(`${name} ${title}`, () => provideEmpty(body), 30_000);

  promise(
    "chains rows in the given order, from nothing, with positions and sequences without a gap",
    Effect.gen(function* () {
      const store = yield* EventStore;
      assert.strictEqual(yield* store.end, 0);
      const first = yield* store.append([recorded("a", 0), recorded("b", 0, 1), recorded("a", 1)], at);
      const second = yield* store.append([recorded("b", 1, 1)], at);
      const rows = [...first, ...second];
      assert.deepStrictEqual(
        rows.map((row) => [row.position, row.application, row.sequence]),
        [
          [1, "a", 1],
          [2, "b", 1],
          [3, "a", 2],
          [4, "b", 2],
        ],
      );
      const lastOf = new Map<string, string>();
      for (const row of rows) {
        assert.strictEqual(row.previousHash, lastOf.get(row.application) ?? GENESIS_HASH);
        assert.strictEqual(row.hash, hashOf(row));
        lastOf.set(row.application, row.hash);
      }
      assert.deepStrictEqual(
        yield* store.hashes({ after: 1, limit: 2 }),
        rows.slice(1, 3).map(({ hash }) => hash),
      );
      assert.deepStrictEqual(yield* store.head, { position: 4, hash: rows[3]?.hash, last: 4 });
      assert.strictEqual(yield* store.end, 4);
      assert.deepStrictEqual(yield* store.read({ limit: 10 }), rows);
      assert.strictEqual(rows[0]?.payload, canonicalJson(aborted("a", 0)));
    }),
  );

  promise(
    "is changed by nothing that was recorded before, and takes what is new of a redelivery",
    Effect.gen(function* () {
      const store = yield* EventStore;
      const rows = yield* store.append(
        range(0, 5).map((n) => recorded("a", n)),
        at,
      );
      const again = yield* store.append(
        range(2, 7).map((n) => recorded("a", n)),
        "2027-01-01T00:00:00.000Z",
      );
      assert.deepStrictEqual(
        again.map((row) => row.offset),
        [5, 6],
      );
      assert.deepStrictEqual(yield* store.read({ limit: 10 }), [...rows, ...again]);
      assert.deepStrictEqual(yield* store.append([], at), []);
    }),
  );

  promise(
    "says where the log holds another event than the record, and takes nothing of that batch",
    Effect.gen(function* () {
      const store = yield* EventStore;
      const rows = yield* store.append([recorded("a", 0), recorded("a", 1)], at);
      const refused = (records: ReadonlyArray<RecordedEvent>) =>
        Effect.match(store.append(records, at), { onFailure: (error) => error.message, onSuccess: () => "appended" });
      const other = { ...recorded("a", 7), offset: 1 };
      const changed = { ...recorded("a", 1), event: { ...aborted("a", 1), at: timestampOf(2) } };
      for (const stranger of [other, changed]) {
        const sentence = yield* refused([recorded("a", 2), stranger]);
        assert.match(sentence, /partition 0 offset 1 .* not the one on record/);
      }
      const twice = yield* refused([recorded("a", 2), { ...recorded("a", 3), offset: 2 }]);
      assert.match(twice, /offset 2/);
      assert.deepStrictEqual(yield* store.read({ limit: 10 }), rows);
    }),
  );

  promise(
    "keeps a refusal whose sentence has a NUL, which no text column takes",
    Effect.gen(function* () {
      const store = yield* EventStore;
      const sentence = "the ci\u0000\ud83d has role ci";
      const added = yield* store.append([{ ...recorded("a", 0), refusal: { code: "wrong-role", sentence } }], at);
      assert.strictEqual(added[0]?.refusal?.sentence, "the ci\uFFFD\uFFFD has role ci");
      assert.deepStrictEqual(yield* store.read({ limit: 10 }), added);
      assert.deepStrictEqual((yield* verifyRecord()).faults, []);
    }),
  );

  promise(
    "keeps an event that was refused and accepted later, both times",
    Effect.gen(function* () {
      const store = yield* EventStore;
      const refused = { ...recorded("a", 3) };
      yield* store.append([refused, { ...refused, offset: 4, refusal: null }], at);
      const rows = yield* store.read({ limit: 10 });
      assert.deepStrictEqual(
        rows.map((row) => [row.eventId, row.refusal?.code ?? null]),
        [
          ["evt-a-00000003", "paused"],
          ["evt-a-00000003", null],
        ],
      );
    }),
  );

  promise(
    "is read by application, by release and in pages",
    Effect.gen(function* () {
      const store = yield* EventStore;
      yield* store.append(
        range(0, 30).map((n) => recorded(n % 2 ? "a" : "b", n)),
        at,
      );
      const positions = (options: Parameters<typeof store.read>[0]) =>
        Effect.map(store.read(options), (rows) => rows.map((row) => row.position));
      assert.deepStrictEqual(yield* positions({ application: "a", limit: 3 }), [2, 4, 6]);
      assert.deepStrictEqual(yield* positions({ application: "a", after: 6, limit: 2 }), [8, 10]);
      assert.deepStrictEqual(yield* positions({ releaseId: "b-rel-1", limit: 100 }), [5, 11, 17, 23, 29]);
      assert.deepStrictEqual(yield* positions({ after: 30, limit: 100 }), []);
    }),
  );

  promise(
    "ends a page of large rows early, and hands out all of them in pages",
    Effect.gen(function* () {
      const store = yield* EventStore;
      const reason = "x".repeat(MAX_READ_BYTES / 2);
      const large = (n: number) => ({ ...recorded("a", n), event: { ...aborted("a", n), reason } }) as RecordedEvent;
      yield* store.append([0, 1, 2].map(large), at);
      const positions = (after: number) =>
        Effect.map(store.read({ after, limit: 10 }), (rows) => rows.map((row) => row.position));
      assert.deepStrictEqual(yield* positions(0), [1, 2]);
      assert.deepStrictEqual(yield* positions(2), [3]);
      assert.deepStrictEqual((yield* verifyRecord()).rows, 3);
    }),
  );

  promise(
    "keeps one chain when two append at once",
    Effect.gen(function* () {
      const store = yield* EventStore;
      const follow = Effect.forEach(range(0, 20), (n) =>
        store.append(
          range(n * 5, n * 5 + 5).map((offset) => recorded("a", offset)),
          at,
        ),
      );
      yield* Effect.all([follow, follow], { concurrency: "unbounded" });
      const rows = yield* store.read({ limit: 1_000 });
      assert.deepStrictEqual(
        rows.map((row) => row.offset),
        range(0, 100),
      );
      const { rows: count, head, faults } = yield* verifyRecord();
      assert.deepStrictEqual([count, head, faults], [100, rows.at(-1)?.hash, []]);
    }),
  );

  promise(
    "verifies while it grows",
    Effect.gen(function* () {
      const store = yield* EventStore;
      const grow = Effect.forEach(range(0, 150), (offset) => store.append([recorded("a", offset)], at));
      const look = Effect.forEach(range(0, 150), () => verifyRecord());
      const [, seen] = yield* Effect.all([grow, look], { concurrency: "unbounded" });
      assert.deepStrictEqual(
        seen.flatMap(({ faults }) => faults),
        [],
      );
    }),
  );

  promise(
    "verifies when it is empty",
    Effect.gen(function* () {
      const _store = yield* EventStore;
      const nothing = { rows: 0, head: GENESIS_HASH, root: EMPTY_ROOT, signed: 0, faults: [] };
      assert.deepStrictEqual(yield* verifyRecord(), nothing);
    }),
  );

  promise(
    "keeps what could not be decoded, under the application and the release that it claims to be of",
    Effect.gen(function* () {
      const store = yield* EventStore;
      const letter = (key: string, offset: number, headers: Record<string, string>): RecordedEvent => ({
        partition: 0,
        offset,
        event: {
          _tag: "RecordDeadLettered",
          topic: "sluice.releases.v1",
          partition: 0,
          offset,
          key,
          headers,
          value: "{\u0000",
          reason: "the value is not JSON",
        },
        refusal: { code: "undecodable", sentence: "the value is not JSON" },
      });
      yield* store.append(
        [
          recorded("a", 0),
          letter("a", 1, { ce_id: "evt-broken", ce_subject: "a-rel-0" }),
          letter("No application\u0000", 2, {}),
        ],
        at,
      );
      const rows = yield* store.read({ limit: 10 });
      assert.deepStrictEqual(
        rows.map(({ application, sequence, releaseId, eventId }) => [application, sequence, releaseId, eventId]),
        [
          ["a", 1, "a-rel-0", "evt-a-00000000"],
          ["a", 2, "a-rel-0", "evt-broken"],
          ["-", 1, null, "sluice.releases.v1/0/2"],
        ],
      );
      assert.deepStrictEqual((yield* verifyRecord()).faults, []);
    }),
  );

  promise(
    "proves each row to be in the tree of every later size, and each tree to begin with every older one",
    Effect.gen(function* () {
      const store = yield* EventStore;
      const tree = new RecordTree();
      const roots = new Map<number, string>();
      // More than one block, so that kept roots and leaves that are read anew meet in one path.
      for (const size of [1, 200, 256, 511, 512, 700]) {
        const from = tree.size;
        yield* store.append(
          range(from, size).map((n) => recorded(n % 2 ? "a" : "b", n)),
          at,
        );
        yield* tree.catchUp;
        assert.strictEqual(tree.size, size);
        roots.set(size, tree.root());
      }
      const hashes = yield* store.hashes({ after: 0, limit: 1_000 });
      for (const [size, root] of roots) {
        for (const position of [1, 2, 128, 256, 257, 512, 700].filter((n) => n <= size)) {
          const path = yield* tree.inclusion(position, size);
          assert.strictEqual(rootByInclusion(hashes[position - 1] ?? "", position - 1, size, path), root);
        }
        for (const [older, olderRoot] of roots)
          if (older <= size)
            assert.isTrue(
              isConsistent({ size: older, root: olderRoot }, { size, root }, yield* tree.consistency(older, size)),
            );
      }
      assert.strictEqual((yield* verifyRecord()).root, roots.get(700));
    }),
  );

  promise(
    "keeps checkpoints, smallest first, each once",
    Effect.gen(function* () {
      const store = yield* EventStore;
      const checkpoint = (size: number) => ({ size, note: `note ${size}`, signedAt: at });
      yield* Effect.forEach([2, 1, 2].map(checkpoint), store.keepCheckpoint);
      assert.deepStrictEqual(yield* store.checkpoints, [1, 2].map(checkpoint));
    }),
  );
};
