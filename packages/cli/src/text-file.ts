import { readFile } from "node:fs/promises";
import { gunzipSync } from "node:zlib";
import * as Effect from "effect/Effect";
import { type Exit, usageError } from "./exit.ts";
import { refuseNamedPipe } from "./named-pipe.ts";

/** Held in memory at once. */
const MAX_BYTES = 256 * 1_024 * 1_024;
const GZIP = [0x1f, 0x8b];

/** The text of a file of JSON Lines, plain or gzipped, of at most 256 MiB; else one sentence with the fix. */
export const readTextFile = Effect.fn("readTextFile")(function* (file: string): Effect.fn.Return<string, Exit> {
  yield* refuseNamedPipe(file);
  const bytes = yield* Effect.tryPromise({
    try: (signal) => readFile(file, { signal }),
    catch: (cause) =>
      usageError(
        `${file}: cannot be read (${cause instanceof Error && "code" in cause ? cause.code : "unknown reason"}); check the path`,
      ),
  });
  return yield* Effect.try({
    try: () => {
      const isZipped = GZIP.every((byte, i) => bytes[i] === byte);
      const plain = isZipped ? gunzipSync(bytes, { maxOutputLength: MAX_BYTES }) : bytes.subarray(0, MAX_BYTES + 1);
      if (plain.length > MAX_BYTES) throw new RangeError("too large");
      return new TextDecoder("utf-8", { fatal: true }).decode(plain);
    },
    catch: () =>
      usageError(`${file}: is not UTF-8 text, plain or in gzip, of at most 256 MiB; give a file of JSON Lines`),
  });
});
