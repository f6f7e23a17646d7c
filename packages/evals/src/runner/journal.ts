import { closeSync, existsSync, openSync, readFileSync, rmSync, statSync, writeSync } from "node:fs";
import { join } from "node:path";
import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import * as Schema from "effect/Schema";
import type * as Scope from "effect/Scope";
import { type EvalRunError, usageFault } from "./eval-run-error.ts";
import { lockJournal } from "./journal-lock.ts";
import { Answer } from "./target.ts";

const Entry = Schema.Union([
  /** Written before a request goes out. Without one of the next two after it, its answer is lost. */
  Schema.Struct({ entry: Schema.Literal("sent"), key: Schema.String }),
  Schema.Struct({ entry: Schema.Literal("answered"), key: Schema.String, answer: Answer }),
  Schema.Struct({ entry: Schema.Literal("failed"), key: Schema.String }),
  /** A model judge's score of one output: paid as well. */
  Schema.Struct({ entry: Schema.Literal("judged"), key: Schema.String, score: Schema.Finite }),
]);
type Entry = typeof Entry.Type;

/** What is known of earlier requests. */
export interface JournalState {
  readonly answers: ReadonlyMap<string, Answer>;
  readonly scores: ReadonlyMap<string, number>;
  /** Sent, and the process ended before the answer was written. */
  readonly lost: ReadonlySet<string>;
}

/** The append-only file of what was sent and what came back, for one bundle at one target. */
export interface Journal extends JournalState {
  readonly append: (entry: Entry) => void;
  /** Forgets everything: for answers that no later run may use. */
  readonly remove: () => void;
}

const decodeEntry = Schema.decodeUnknownResult(Schema.fromJsonString(Entry));

/** Pure. A last line that was cut off by a kill says nothing; any other line that is no entry is a fault. */
export const foldJournal = (text: string): Result.Result<JournalState, number> => {
  const state = { answers: new Map<string, Answer>(), scores: new Map<string, number>(), lost: new Set<string>() };
  const lines = text.split("\n");
  for (const [i, line] of lines.entries()) {
    if (line === "" || line.startsWith("{}")) continue;
    const decoded = decodeEntry(line);
    if (Result.isSuccess(decoded)) apply(state, decoded.success);
    // A cut-off line is followed by nothing, or by the mark that the next process begins with.
    else if (i < lines.length - 1 && lines[i + 1] !== RESUMED) return Result.fail(i + 1);
  }
  return Result.succeed(state);
};

/** Begins every process's entries, on a line of its own whatever stands before. */
const RESUMED = "{}";

interface MutableState {
  readonly answers: Map<string, Answer>;
  readonly scores: Map<string, number>;
  readonly lost: Set<string>;
}

const apply = (state: MutableState, entry: Entry): void => {
  switch (entry.entry) {
    case "sent":
      state.lost.add(entry.key);
      return;
    case "answered":
      state.answers.set(entry.key, entry.answer);
      state.lost.delete(entry.key);
      return;
    case "failed":
      state.lost.delete(entry.key);
      return;
    case "judged":
      state.scores.set(entry.key, entry.score);
  }
};

/** It is read as a whole, and kept in memory: some hundred thousand answers. */
const MAX_BYTES = 256 * 1_024 * 1_024;

export interface JournalSettings {
  readonly directory: string;
  /** Begin anew, whatever is there. */
  readonly isFresh: boolean;
  /** How long to wait for another process that holds it. */
  readonly patienceMs: number;
  readonly onWait: (owner: string) => Effect.Effect<void>;
}

/** Opens the journal of a directory for this process alone; it is closed with the scope. */
export const openJournal = Effect.fn("openJournal")(function* (
  settings: JournalSettings,
): Effect.fn.Return<Journal, EvalRunError, Scope.Scope> {
  const file = join(settings.directory, "journal.jsonl");
  yield* lockJournal(settings.directory, settings.patienceMs, settings.onWait);
  const isKept = !settings.isFresh && existsSync(file);
  if (isKept && statSync(file).size > MAX_BYTES)
    return yield* usageFault(`${file}: is larger than 256 MiB; give --fresh to begin anew, or another --cache`);
  const state = foldJournal(isKept ? readFileSync(file, "utf8") : "");
  if (Result.isFailure(state))
    return yield* usageFault(`${file}, line ${state.failure}: is no entry of a journal; give --fresh to begin anew`);
  const known: MutableState = {
    answers: new Map(state.success.answers),
    scores: new Map(state.success.scores),
    lost: new Set(state.success.lost),
  };
  let descriptor: number | undefined;
  yield* Effect.addFinalizer(() => Effect.sync(() => descriptor !== undefined && closeSync(descriptor)));
  // Opened by the first entry: a run that is only estimated, or refused, leaves everything as it was.
  const opened = (): number => {
    const fresh = openSync(file, settings.isFresh ? "w" : "a", 0o600);
    writeSync(fresh, `\n${RESUMED}\n`);
    return fresh;
  };
  return {
    ...known,
    append: (entry) => {
      descriptor ??= opened();
      // Synchronous, so that what was written before a kill is with the operating system: only a crash of the machine
      // loses it.
      writeSync(descriptor, `${JSON.stringify(entry)}\n`);
      apply(known, entry);
    },
    remove: () => rmSync(file, { force: true }),
  };
});
