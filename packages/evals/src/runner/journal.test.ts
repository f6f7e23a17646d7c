import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, assert, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import { foldJournal, type Journal, openJournal } from "./journal.ts";

const folders: Array<string> = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});
const folder = () => {
  const made = mkdtempSync(join(tmpdir(), "sluice-journal-"));
  folders.push(made);
  return made;
};
const answer = { output: "ü", inputTokens: 3, outputTokens: 1, counted: true, latencyMs: 12 };
const opened = (directory: string, use: (journal: Journal) => void, more: { isFresh?: boolean } = {}) =>
  openJournal({ directory, isFresh: more.isFresh ?? false, patienceMs: 0, onWait: () => Effect.void }).pipe(
    Effect.map(use),
    Effect.scoped,
  );

it.live("what was written is known to the next that opens it; what was sent and never answered is lost", () =>
  Effect.gen(function* () {
    const directory = folder();
    yield* opened(directory, ({ append }) => {
      for (const key of ["a", "b", "c"]) append({ entry: "sent", key });
      append({ entry: "answered", key: "a", answer });
      append({ entry: "failed", key: "b" });
      append({ entry: "judged", key: "j", score: 0.25 });
    });
    yield* opened(directory, ({ answers, scores, lost }) => {
      assert.deepStrictEqual([...answers], [["a", answer]]);
      assert.deepStrictEqual([...scores], [["j", 0.25]]);
      assert.deepStrictEqual([...lost], ["c"]);
    });
  }),
);

it.live("cut off at any byte it loses the last entry at most, and can be gone on with", () =>
  Effect.gen(function* () {
    const directory = folder();
    const file = join(directory, "journal.jsonl");
    yield* opened(directory, ({ append }) => {
      append({ entry: "answered", key: "a", answer });
      append({ entry: "answered", key: "b", answer });
    });
    const whole = readFileSync(file);
    const afterFirst = whole.indexOf("\n", whole.indexOf('"a"'));
    for (let length = afterFirst; length <= whole.length; length++) {
      writeFileSync(file, whole.subarray(0, length));
      yield* opened(directory, ({ answers, append }) => {
        assert.isTrue(answers.has("a"), `cut at ${length}`);
        append({ entry: "answered", key: "c", answer });
      });
      yield* opened(directory, ({ answers }) => {
        assert.isTrue(answers.has("a") && answers.has("c"), `gone on after ${length}`);
      });
    }
  }),
);

it("a line within that is no entry is a fault with its number", () => {
  const line = JSON.stringify({ entry: "sent", key: "a" });
  assert.deepStrictEqual(foldJournal(`${line}\nnonsense\n${line}\n`), Result.fail(2));
});

it.live("is one process's at a time: another waits, and then says who has it", () =>
  Effect.gen(function* () {
    const directory = folder();
    const waited: Array<string> = [];
    const settings = { directory, isFresh: false, patienceMs: 200 };
    const outcome = yield* Effect.scoped(
      Effect.gen(function* () {
        yield* openJournal({ ...settings, onWait: () => Effect.void });
        return yield* Effect.result(
          openJournal({ ...settings, onWait: (owner) => Effect.sync(() => void waited.push(owner)) }),
        );
      }),
    );
    assert.deepStrictEqual(waited, [String(process.pid)]);
    assert.match(Result.isFailure(outcome) ? outcome.failure.message : "", /in use by process \d+; wait/);
  }),
);

it.live("begun anew it forgets, but not before something is written", () =>
  Effect.gen(function* () {
    const directory = folder();
    yield* opened(directory, ({ append }) => append({ entry: "answered", key: "a", answer }));
    yield* opened(directory, ({ answers }) => assert.strictEqual(answers.size, 0), { isFresh: true });
    yield* opened(directory, ({ answers }) => assert.strictEqual(answers.size, 1));
    yield* opened(directory, ({ append }) => append({ entry: "sent", key: "b" }), { isFresh: true });
    yield* opened(directory, ({ answers }) => assert.strictEqual(answers.size, 0));
  }),
);
