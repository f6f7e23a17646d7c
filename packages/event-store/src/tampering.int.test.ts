import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert, it } from "@effect/vitest";
import { Database, layerPGlite } from "@sluice/postgres";
import { GrowingTree, newSigningKey, readSigningKey, readVerifierKey, signCheckpoint } from "@sluice/transparency";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import * as Result from "effect/Result";
import { CheckpointDirectory } from "./checkpoint-directory.ts";
import { EventStore, type StoredEvent } from "./event-store.ts";
import { recorded } from "./event-store-contract.ts";
import { layerPostgres } from "./postgres-event-store.ts";
import { type Fault, RecordVerifier } from "./record-verifier.ts";
import { signedRecord } from "./signed-record.ts";
import { type Tampered, tamperings } from "./testing/tampering.ts";
import { verifyRecord } from "./verify-record.ts";

const signing = Result.getOrThrow(readSigningKey(newSigningKey("sluice/record")));
const key = Result.getOrThrow(readVerifierKey(signing.verifierKey));

const ROWS = 120;
const SIGNED_EVERY = 24;
/** Of every kind, with other places each time; the seed makes a failure repeatable. */
const ROUNDS = 6;
const seeded = (seed: number) => {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
};

const cases = Object.entries(tamperings).flatMap(([kind, tamper], k) =>
  Array.from({ length: ROUNDS }, (_, round) => ({ kind: `${kind} (${round + 1})`, tamper, seed: 1_000 * k + round })),
);

/** The row itself, or a range of rows that begins where the fault is told. */
const names = ({ position, sentence }: Fault, wanted: number): boolean => {
  const [, from, to] = /from position (\d+) to (\d+)/u.exec(sentence) ?? [];
  return from === undefined ? position === wanted : Number(from) <= wanted && wanted <= Number(to);
};

const check = (kind: string, faults: ReadonlyArray<Fault>, { position }: Tampered) => {
  const [first] = faults;
  if (!first) assert.fail(`not found: ${kind} at position ${position}`);
  assert.isTrue(names(first, position), `${kind} at position ${position} was told as: ${first.sentence}`);
};

const notesOf = (rows: ReadonlyArray<StoredEvent>): ReadonlyArray<string> => {
  const tree = new GrowingTree();
  return rows.flatMap((row) => {
    tree.add(row.hash);
    return tree.size % SIGNED_EVERY === 0 ? [signCheckpoint({ size: tree.size, root: tree.root() }, signing)] : [];
  });
};

const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "sluice-record-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true })),
);

/** As a superuser, past every trigger: the table holds these rows and nothing else. */
const overwrite = ({ rows, head }: Tampered) =>
  Effect.gen(function* () {
    const db = yield* Database;
    yield* db.transaction(
      Effect.gen(function* () {
        yield* db.query("set local session_replication_role = replica");
        yield* db.query("delete from audit_events");
        yield* db.query(
          `insert into audit_events (position, partition, "offset", application, sequence, release_id, event_id, type, payload,
             refusal_code, refusal_sentence, recorded_at, previous_hash, hash)
           select r.position, r.partition, r.offset, r.application, r.sequence, r."releaseId", r."eventId", r.type, r.payload,
             r.refusal->>'code', r.refusal->>'sentence', r."recordedAt", r."previousHash", r.hash
           from jsonb_to_recordset($1::jsonb) as r(position bigint, partition int, "offset" bigint, application text,
             sequence bigint, "releaseId" text, "eventId" text, type text, payload text, refusal jsonb, "recordedAt" text,
             "previousHash" text, hash text)`,
          [JSON.stringify(rows.map((row, n) => (row.offset === 9_000 ? { ...row, offset: 9_000 + n } : row)))],
        );
        yield* db.query("update audit_head set position = $1, hash = $2", [head.position, head.hash]);
      }),
    );
  });

it.live(`a database that was changed by a superuser is found out, and the row is named (${cases.length} changes)`, () =>
  Effect.gen(function* () {
    const store = yield* EventStore;
    const records = Array.from({ length: ROWS }, (_, n) => recorded(["a", "b", "c"][n % 3] ?? "a", n));
    const rows = yield* store.append(records, "2026-01-01T00:00:00.000Z");
    const directory = new CheckpointDirectory(yield* folder);
    yield* directory.keepLeaves(
      0,
      rows.map(({ hash }) => hash),
    );
    for (const note of notesOf(rows)) yield* directory.keepNote(note);
    const outside = { ...(yield* directory.read), where: directory.path };
    // Whoever rewrites the rows takes the checkpoints out of the database as well.
    const { signed } = signedRecord(key, [], outside);
    assert.deepStrictEqual((yield* verifyRecord(signed)).faults, []);
    for (const { kind, tamper, seed } of cases) {
      const tampered = tamper(rows, seeded(seed));
      yield* overwrite(tampered);
      check(kind, (yield* verifyRecord(signed)).faults, tampered);
    }
  }).pipe(Effect.scoped, Effect.provide(Layer.provideMerge(layerPostgres, layerPGlite({ directory: null })))),
);

it.live(
  `an export that was changed is found out, and the row or its signed range is named (${cases.length} changes)`,
  () =>
    Effect.gen(function* () {
      const store = yield* EventStore;
      const records = Array.from({ length: ROWS }, (_, n) => recorded(["a", "b", "c"][n % 3] ?? "a", n));
      const rows = yield* store.append(records, "2026-01-01T00:00:00.000Z");
      const { signed } = signedRecord(key, notesOf(rows), null);
      const verified = (tampered: Pick<Tampered, "rows" | "head">) => {
        const verifier = new RecordVerifier(signed);
        for (const row of tampered.rows) verifier.push(row);
        return verifier.end(tampered.head).faults;
      };
      assert.deepStrictEqual(verified({ rows, head: yield* store.head }), []);
      for (const { kind, tamper, seed } of cases) {
        const tampered = tamper(rows, seeded(seed));
        check(kind, verified(tampered), tampered);
      }
    }).pipe(Effect.scoped, Effect.provide(Layer.provideMerge(layerPostgres, layerPGlite({ directory: null })))),
);
