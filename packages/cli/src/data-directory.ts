import { accessSync, constants, mkdirSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import * as Effect from "effect/Effect";
import { type Exit, usageError } from "./exit.ts";

/**
 * Makes the directory of a flag, with those above it, and sees that it can be written to; else one sentence and exit 2.
 * Step by step: Node's `recursive` asks for ever, beyond any signal, where a system (/proc) says of a new directory that it is
 * not there.
 */
export const usableDirectory = (flag: string, directory: string): Effect.Effect<void, Exit> =>
  Effect.suspend(() => {
    try {
      make(resolve(directory));
      accessSync(directory, constants.W_OK | constants.X_OK);
      return Effect.void;
    } catch (cause) {
      const code = cause instanceof Error && "code" in cause ? String(cause.code) : "unknown reason";
      return Effect.fail(
        usageError(
          code === "ENOTDIR"
            ? `${flag} is ${directory}, which is a file or below one; name a directory`
            : `${flag} is ${directory}, where nothing can be written (${code}); name a directory of your own`,
        ),
      );
    }
  });

const make = (directory: string): void => {
  const found = statSync(directory, { throwIfNoEntry: false });
  if (found?.isDirectory()) return;
  if (found) throw Object.assign(new Error(directory), { code: "ENOTDIR" });
  make(dirname(directory));
  try {
    mkdirSync(directory);
  } catch (cause) {
    // Another process may have made it in between.
    if (!(cause instanceof Error && "code" in cause && cause.code === "EEXIST")) throw cause;
  }
};
