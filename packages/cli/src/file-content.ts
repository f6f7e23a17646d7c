import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import * as Effect from "effect/Effect";
import { type Exit, usageError } from "./exit.ts";

const MIB = 1_024 * 1_024;
/** A configuration has a few dozen lines. */
export const MAX_SETTINGS_BYTES = MIB;

export interface ReadOptions {
  readonly maxBytes: number;
  /** What the sentence begins with; default: the file. */
  readonly named?: string;
}

/**
 * What a file holds, of at most so many bytes; else one sentence with the fix. One byte more than allowed is enough to know:
 * a device or a huge file is never read whole.
 */
export const readBytes = Effect.fn("readBytes")(function* (
  file: string,
  { maxBytes, named = file }: ReadOptions,
): Effect.fn.Return<Buffer, Exit> {
  yield* refuseNamedPipe(file, named);
  const bytes = yield* Effect.tryPromise({
    try: async (signal) => {
      const chunks: Array<Buffer> = [];
      for await (const chunk of createReadStream(file, { end: maxBytes, signal })) chunks.push(chunk);
      return Buffer.concat(chunks);
    },
    catch: (cause) => usageError(`${named}: cannot be read (${codeOf(cause)}); check the path`),
  });
  if (bytes.length <= maxBytes) return bytes;
  return yield* usageError(`${named}: is larger than ${maxBytes / MIB} MiB; give the right file`);
});

/** The same as text. */
export const readUtf8 = Effect.fn("readUtf8")(function* (
  file: string,
  options: ReadOptions,
): Effect.fn.Return<string, Exit> {
  const bytes = yield* readBytes(file, options);
  return yield* Effect.try({
    try: () => new TextDecoder("utf-8", { fatal: true }).decode(bytes),
    catch: () => usageError(`${options.named ?? file}: is not UTF-8 text; give the right file, or save it as UTF-8`),
  });
});

/**
 * A named pipe that nobody writes to keeps whoever opens it for ever, beyond any signal but SIGKILL. What a shell hands over,
 * `<(command)` or standard input, has its writer already and is under /dev or /proc.
 */
export const refuseNamedPipe = (file: string, named = file): Effect.Effect<void, Exit> =>
  Effect.flatMap(
    // What is not there is told by who reads it.
    Effect.orElseSucceed(
      Effect.tryPromise(() => stat(file)),
      () => null,
    ),
    (found) =>
      found?.isFIFO() && !/^\/(?:dev|proc)\//u.test(resolve(file))
        ? Effect.fail(usageError(`${named}: is a named pipe, which may have no writer; give a file, or <(COMMAND)`))
        : Effect.void,
  );

const codeOf = (cause: unknown): string =>
  cause instanceof Error && "code" in cause ? String(cause.code) : "unknown reason";
