import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import * as Effect from "effect/Effect";
import { type Exit, usageError } from "./exit.ts";

/**
 * A named pipe that nobody writes to keeps whoever opens it for ever, beyond any signal but SIGKILL. What a shell hands over,
 * `<(command)` or standard input, has its writer already and is under /dev or /proc.
 */
export const refuseNamedPipe = (file: string): Effect.Effect<void, Exit> =>
  Effect.flatMap(
    // What is not there is told by who reads it.
    Effect.orElseSucceed(
      Effect.tryPromise(() => stat(file)),
      () => null,
    ),
    (found) =>
      found?.isFIFO() && !/^\/(?:dev|proc)\//u.test(resolve(file))
        ? Effect.fail(usageError(`${file}: is a named pipe, which may have no writer; give a file, or <(COMMAND)`))
        : Effect.void,
  );
