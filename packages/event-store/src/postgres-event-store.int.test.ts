import { assert, it } from "@effect/vitest";
import { Database, layerPGlite } from "@sluice/postgres";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import * as ManagedRuntime from "effect/ManagedRuntime";
import { afterAll } from "vitest";
import { chainOnto, GENESIS_HASH, hashOf, payloadOf } from "./chain.ts";
import { EventStore, type StoredEvent } from "./event-store.ts";
import { eventStoreContract, recorded } from "./event-store-contract.ts";
import { layerPostgres } from "./postgres-event-store.ts";
import type { Fault } from "./record-verifier.ts";
import { verifyRecord } from "./verify-record.ts";

const runtime = ManagedRuntime.make(Layer.provideMerge(layerPostgres, layerPGlite({ directory: null })));
afterAll(() => runtime.dispose());

const unguarded = (statements: string) =>
  `set session_replication_role = replica; ${statements}; set session_replication_role = origin`;

/** As a superuser: the store itself has no way to be emptied. */
const empty = Effect.flatMap(Database, (db) =>
  db.script(
    unguarded(`truncate audit_events, audit_checkpoints; update audit_head set position = 0, hash = '${GENESIS_HASH}'`),
  ),
);
const onEmpty = <A, E>(body: Effect.Effect<A, E, EventStore | Database>) =>
  Effect.flatMap(runtime.contextEffect, (context) => Effect.provide(Effect.andThen(empty, body), context));

eventStoreContract("the record on PGlite", onEmpty);

it.live("the database refuses every change but one that continues the chain", () =>
  onEmpty(
    Effect.gen(function* () {
      const db = yield* Database;
      const store = yield* EventStore;
      yield* store.append([recorded("a", 0), recorded("a", 1)], "2026-01-01T00:00:00.000Z");
      const refusals = {
        "update audit_events set type = 'x'": "audit_events is append-only: UPDATE is refused",
        "delete from audit_events": "audit_events is append-only: DELETE is refused",
        "truncate audit_events": "audit_events is append-only: TRUNCATE is refused",
        "update audit_head set position = 7": "audit_head is append-only: UPDATE is refused",
        "delete from audit_head": "audit_head is append-only: DELETE is refused",
        "truncate audit_head": "audit_head is append-only: TRUNCATE is refused",
        "insert into audit_events select 9, 0, 9, 'a', 9, null, 'e', 't', '{}', null, null, 'now', 'p', 'h'":
          "audit_events is append-only: the next row has position 3",
      };
      for (const [statement, sentence] of Object.entries(refusals)) {
        const refused = yield* Effect.flip(db.query(statement));
        assert.strictEqual(refused.sqlState, "55000");
        assert.include(refused.message, sentence);
      }
      assert.lengthOf((yield* verifyRecord()).faults, 0);
    }),
  ),
);

const ROWS = 24;
const forged99 = { record: recorded("a", 99), payload: payloadOf(recorded("a", 99).event) };
const sqlOf = (row: StoredEvent, position: number) =>
  `insert into audit_events select ${position}, ${row.partition}, ${row.offset + 900}, '${row.application}',
   ${row.sequence + 900}, null, '${row.eventId}', '${row.type}', '${row.payload.replaceAll("'", "''")}', null, null,
   '${row.recordedAt}', '${row.previousHash}', '${row.hash}'`;

/** Takes the content of two rows and puts each in the place of the other, hashes and all. */
const swapContents = (a: number, b: number) => `
  create temp table swapped as select * from audit_events where position in (${a}, ${b});
  delete from audit_events where position in (${a}, ${b});
  update swapped set position = ${a} + ${b} - position;
  insert into audit_events select * from swapped; drop table swapped`;
const renumber = (from: number, by: number) => `
  update audit_events set position = position + 1000 where position >= ${from};
  update audit_events set position = position - 1000 + ${by} where position >= 1000`;

/** Each kind of tampering by a superuser, and the rows that must be named. */
const tamperings: ReadonlyArray<
  readonly [string, (rows: ReadonlyArray<StoredEvent>) => string, ReadonlyArray<readonly [number, Fault["kind"]]>]
> = [
  ...[
    "payload = '{}'",
    "type = 'x'",
    "recorded_at = 'x'",
    "release_id = 'x'",
    "refusal_code = 'x', refusal_sentence = 'y'",
  ]
    .concat([
      "application = 'x'",
      `"offset" = 999`,
      "sequence = 999",
      "event_id = 'x'",
      "hash = 'x'",
      "previous_hash = 'x'",
    ])
    .map(
      (change) =>
        [
          `a changed column: ${change}`,
          () => `update audit_events set ${change} where position = 7`,
          [[7, "changed"]],
        ] as const,
    ),
  ["a changed last row", () => `update audit_events set payload = '{}' where position = ${ROWS}`, [[ROWS, "changed"]]],
  ["a changed first row", () => "update audit_events set payload = '{}' where position = 1", [[1, "changed"]]],
  [
    "a row changed and hashed anew",
    (rows) => {
      const row = { ...(rows[6] ?? assert.fail()), payload: "{}" };
      return `update audit_events set payload = '{}', hash = '${hashOf(row)}' where position = 7`;
    },
    [[7, "changed"]],
  ],
  [
    "the last row changed and hashed anew",
    (rows) => {
      const row = { ...(rows[ROWS - 1] ?? assert.fail()), payload: "{}" };
      return `update audit_events set payload = '{}', hash = '${hashOf(row)}' where position = ${ROWS}`;
    },
    [[ROWS, "changed"]],
  ],
  ["a missing row", () => "delete from audit_events where position = 9", [[9, "missing"]]],
  ["a missing first row", () => "delete from audit_events where position = 1", [[1, "missing"]]],
  [
    "missing last rows",
    () => `delete from audit_events where position > ${ROWS - 2}`,
    [
      [ROWS - 1, "missing"],
      [ROWS, "missing"],
    ],
  ],
  [
    "a missing row with the later ones renumbered",
    () => `delete from audit_events where position = 9; ${renumber(10, -1)}`,
    [[9, "missing"]],
  ],
  [
    "an inserted row that follows its predecessor",
    (rows) => {
      const before = rows[7] ?? assert.fail();
      const [forged] = chainOnto(before, new Map([[before.application, before]]), [forged99], before.recordedAt);
      return `${renumber(9, 1)}; ${sqlOf({ ...(forged ?? assert.fail()), refusal: null }, 9)}`;
    },
    [[9, "inserted"]],
  ],
  [
    "a row inserted beyond the end",
    (rows) => {
      const last = rows[ROWS - 1] ?? assert.fail();
      const [forged] = chainOnto(last, new Map(), [forged99], last.recordedAt);
      return sqlOf({ ...(forged ?? assert.fail()) }, ROWS + 1);
    },
    [[ROWS + 1, "inserted"]],
  ],
  [
    "two neighbours in each other's place",
    () => swapContents(11, 12),
    [
      [11, "reordered"],
      [12, "reordered"],
    ],
  ],
  [
    "the last two in each other's place",
    () => swapContents(ROWS - 1, ROWS),
    [
      [ROWS - 1, "reordered"],
      [ROWS, "reordered"],
    ],
  ],
  [
    "two distant rows in each other's place",
    () => swapContents(3, 20),
    [
      [3, "reordered"],
      [20, "reordered"],
    ],
  ],
];

for (const [title, tamper, expected] of tamperings)
  it.live(`tampering is found and the row named: ${title}`, () =>
    onEmpty(
      Effect.gen(function* () {
        const db = yield* Database;
        const store = yield* EventStore;
        const records = Array.from({ length: ROWS }, (_, n) => recorded(n % 2 ? "a" : "b", n));
        const rows = yield* store.append(records, "2026-01-01T00:00:00.000Z");
        yield* db.script(unguarded(tamper(rows)));
        const { faults } = yield* verifyRecord();
        assert.deepStrictEqual(
          faults.map((fault) => [fault.position, fault.kind]),
          expected.map((fault) => [...fault]),
        );
        for (const fault of faults) assert.include(fault.sentence, `position ${fault.position}`);
      }),
    ),
  );
