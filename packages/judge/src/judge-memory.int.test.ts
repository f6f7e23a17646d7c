import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert, describe, it, layer } from "@effect/vitest";
import { digestOf, type JudgeSpecification } from "@sluice/contracts";
import { Database, layerPGlite } from "@sluice/postgres";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import * as Option from "effect/Option";
import { afterAll, beforeAll } from "vitest";
import { Judge } from "./judge.ts";
import { JudgeMemory } from "./judge-memory.ts";
import { layerPostgres } from "./postgres-judge-memory.ts";

const asked = (judge: string, question: string) => ({ judge: digestOf(judge), question: digestOf(question) });

/** What every memory promises; `memory` must be empty. */
const contract = <E>(name: string, memory: Layer.Layer<JudgeMemory, E>) =>
  layer(memory, { timeout: 60_000 })(name, (it) => {
    it.effect("recalls what a judge decided on a question, and nothing of another judge or question", () =>
      Effect.gen(function* () {
        const { keep, recall } = yield* JudgeMemory;
        yield* keep(asked("a", "one"), 0.25);
        yield* keep(asked("a", "two"), "first");
        assert.deepStrictEqual(yield* recall(asked("a", "one")), Option.some(0.25));
        assert.deepStrictEqual(yield* recall(asked("a", "two")), Option.some("first"));
        assert.deepStrictEqual(yield* recall(asked("b", "one")), Option.none());
        assert.deepStrictEqual(yield* recall(asked("a", "three")), Option.none());
      }),
    );
  });
contract("a judge's memory in the process", JudgeMemory.layerMemory());

const onDatabase = layerPostgres({ days: 30, rows: 4 });
const stores = Layer.provideMerge(onDatabase, layerPGlite({ directory: null }));
contract("a judge's memory in PGlite", stores);

layer(layerPGlite({ directory: null }), { timeout: 60_000, excludeTestServices: true })(
  "a judge's memory in a database",
  (it) => {
    it.effect("forgets on opening what is too old, and the oldest of what is too much", () =>
      Effect.gen(function* () {
        const db = yield* Database;
        const open = <A, E>(body: Effect.Effect<A, E, JudgeMemory>) => Effect.provide(body, onDatabase);
        yield* open(JudgeMemory.use(({ keep }) => keep(asked("a", "old"), 1)));
        yield* db.query("update judge_memory set decided_at = now() - interval '31 days'");
        yield* open(
          JudgeMemory.use(({ keep }) =>
            Effect.forEach([1, 2, 3, 4, 5, 6], (n) => keep(asked("a", `${n}`), n / 10), { discard: true }),
          ),
        );
        // Two may have come in one instant of the database's clock: here each has its own.
        yield* db.query(
          "update judge_memory set decided_at = now() - make_interval(secs => 9 - 10 * decided::float8) where decided::float8 < 1",
        );
        const rows = () => db.query<{ n: number }>("select count(*)::int as n from judge_memory");
        yield* open(
          Effect.gen(function* () {
            const { recall } = yield* JudgeMemory;
            while ((yield* rows())[0]?.n !== 4) yield* Effect.sleep(10);
            assert.deepStrictEqual(yield* recall(asked("a", "old")), Option.none());
            assert.deepStrictEqual(yield* recall(asked("a", "6")), Option.some(0.6));
            assert.deepStrictEqual(yield* recall(asked("a", "1")), Option.none());
          }),
        );
      }),
    );

    it.effect("is done without where it is away", () =>
      Effect.gen(function* () {
        const db = yield* Database;
        const { keep, recall } = yield* JudgeMemory;
        yield* db.script("alter table judge_memory rename to away");
        yield* keep(asked("a", "one"), 1);
        assert.deepStrictEqual(yield* recall(asked("a", "one")), Option.none());
        yield* db.script("alter table away rename to judge_memory");
      }).pipe(Effect.provide(onDatabase)),
    );
  },
);

const folder = mkdtempSync(join(tmpdir(), "sluice-judge-memory-"));
let calls = 0;
const upstream = createServer(async (request, response) => {
  for await (const _ of request);
  calls += 1;
  const content = JSON.stringify({ reason: "It says: a secret answer.", score: 0.75 });
  response.end(JSON.stringify({ choices: [{ message: { content } }] }));
});
beforeAll(() => new Promise<void>((resolve) => upstream.listen(0, "127.0.0.1", resolve)));
afterAll(async () => {
  await new Promise((resolve) => upstream.close(resolve));
  rmSync(folder, { recursive: true, force: true });
});

describe("a model judge", () => {
  const judge: JudgeSpecification = {
    kind: "model",
    provider: "judges",
    model: "m",
    rubric: "Good.",
    timeoutMs: 5_000,
  };
  /** One life of the service: the judge is opened on the database's directory, asked and closed. */
  const life = (specification: JudgeSpecification, outputs: ReadonlyArray<string>) => {
    const baseUrl = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}/v1`;
    const remembering = Layer.provide(Judge.layerRemembering({ providers: { judges: { baseUrl } } }), layerPostgres());
    return Effect.gen(function* () {
      const { score } = yield* Judge;
      const scores = yield* Effect.forEach(outputs, (output) => score(specification, { input: "a secret", output }));
      const kept = yield* Database.use((db) => db.query("select * from judge_memory"));
      return { scores, kept };
    }).pipe(Effect.provide(Layer.provideMerge(remembering, layerPGlite({ directory: join(folder, "postgres") }))));
  };

  it.live(
    "asks after a restart only what it has not been asked, and leaves no text behind",
    () =>
      Effect.gen(function* () {
        yield* life(judge, ["one", "two"]);
        assert.strictEqual(calls, 2);
        const { scores, kept } = yield* life(judge, ["one", "two", "three"]);
        assert.deepStrictEqual([scores, calls], [[0.75, 0.75, 0.75], 3]);
        assert.strictEqual(kept.length, 3);
        assert.notMatch(JSON.stringify(kept), /secret|one|two|three|It says/);
        yield* life({ ...judge, rubric: "Better." }, ["one"]);
        assert.strictEqual(calls, 4);
      }),
    60_000,
  );
});
