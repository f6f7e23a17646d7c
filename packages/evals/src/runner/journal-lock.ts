import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import * as Effect from "effect/Effect";
import type * as Scope from "effect/Scope";
import { type EvalRunError, usageFault } from "./eval-run-error.ts";

const SQLITE_BUSY = 5;
const POLL_MS = 200;

/**
 * Holds a directory for this process while the scope lasts. SQLite takes one of the operating system's file locks: it is
 * released with the process, however that dies. A run that was killed may still be waiting for its last answers: `onWait`
 * is told whom one waits for, and after `patienceMs` it fails.
 */
export const lockJournal = (
  directory: string,
  patienceMs: number,
  onWait: (owner: string) => Effect.Effect<void>,
): Effect.Effect<void, EvalRunError, Scope.Scope> =>
  Effect.asVoid(
    Effect.acquireRelease(acquire(directory, patienceMs, onWait), (held) =>
      Effect.sync(() => {
        locks.delete(held);
        held.close();
      }),
    ),
  );

/** Keeps the locks reachable: a collected handle would be closed, and its lock lost with it. */
const locks = new Set<DatabaseSync>();

const acquire = Effect.fnUntraced(function* (
  directory: string,
  patienceMs: number,
  onWait: (owner: string) => Effect.Effect<void>,
) {
  for (let waitedMs = 0; ; waitedMs += POLL_MS) {
    const held = yield* Effect.try({
      try: () => tryLock(directory),
      catch: (cause) =>
        usageFault(
          `${directory}: cannot be locked (${cause instanceof Error ? cause.message : String(cause)}); name another --cache`,
        ),
    });
    if (held) return held;
    const owner = ownerOf(directory);
    if (waitedMs === 0) yield* onWait(owner);
    if (waitedMs >= patienceMs)
      return yield* usageFault(
        `${directory} is in use by process ${owner}; wait for that run, or name another --cache`,
      );
    yield* Effect.sleep(POLL_MS);
  }
});

const tryLock = (directory: string): DatabaseSync | null => {
  mkdirSync(directory, { recursive: true });
  const file = new DatabaseSync(join(directory, "lock"), { timeout: 0 });
  try {
    file.exec("pragma journal_mode = memory; begin immediate");
    writeFileSync(join(directory, "lock.pid"), String(process.pid));
    locks.add(file);
    return file;
  } catch (cause) {
    file.close();
    if (cause instanceof Error && "errcode" in cause && cause.errcode === SQLITE_BUSY) return null;
    throw cause;
  }
};

const ownerOf = (directory: string): string => {
  try {
    return readFileSync(join(directory, "lock.pid"), "utf8");
  } catch {
    return "(unknown)";
  }
};
