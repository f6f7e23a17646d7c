import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { DatabaseSync } from "node:sqlite";
import * as Effect from "effect/Effect";
import type * as Scope from "effect/Scope";
import { DatabaseError } from "./database.ts";

/**
 * PGlite has no lock of its own, and two processes on one directory lose rows silently. Node has no file locks either,
 * but SQLite takes one of the operating system's: it is released with the process, however that dies, so there is no
 * stale lock to judge and no race to take one over.
 */
export const lockDirectory = (directory: string): Effect.Effect<void, DatabaseError, Scope.Scope> =>
  Effect.asVoid(
    Effect.acquireRelease(
      Effect.try({ try: () => lock(resolve(directory)), catch: (cause) => refusal(directory, cause) }),
      (held) =>
        Effect.sync(() => {
          locks.delete(held);
          held.close();
        }),
    ),
  );

/** Keeps the locks reachable: a collected handle would be closed, and its lock lost with it. */
const locks = new Set<DatabaseSync>();

const lock = (directory: string): DatabaseSync => {
  mkdirSync(dirname(directory), { recursive: true });
  const file = new DatabaseSync(`${directory}.lock`, { timeout: 0 });
  try {
    file.exec("pragma journal_mode = memory; begin immediate");
    writeFileSync(ownerFile(directory), String(process.pid));
    locks.add(file);
    return file;
  } catch (cause) {
    file.close();
    throw cause;
  }
};

const ownerFile = (directory: string) => `${resolve(directory)}.lock.pid`;

const SQLITE_BUSY = 5;

const refusal = (directory: string, cause: unknown): DatabaseError => {
  const busy = cause instanceof Error && "errcode" in cause && cause.errcode === SQLITE_BUSY;
  return new DatabaseError({
    operation: "open",
    sqlState: null,
    message: busy
      ? `directory ${directory} is in use by process ${ownerOf(directory)}: stop that process or choose another directory`
      : `directory ${directory} cannot be locked: ${cause instanceof Error ? cause.message : String(cause)}`,
  });
};

const ownerOf = (directory: string): string => {
  try {
    return readFileSync(ownerFile(directory), "utf8");
  } catch {
    return "(unknown)";
  }
};
