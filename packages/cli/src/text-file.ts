import { gunzipSync } from "node:zlib";
import * as Effect from "effect/Effect";
import { type Exit, usageError } from "./exit.ts";
import { readBytes } from "./file-content.ts";

/** Held in memory at once. */
const MAX_BYTES = 256 * 1_024 * 1_024;
const GZIP = [0x1f, 0x8b];

/** The text of a file of JSON Lines, plain or gzipped, of at most 256 MiB; else one sentence with the fix. */
export const readTextFile = Effect.fn("readTextFile")(function* (file: string): Effect.fn.Return<string, Exit> {
  const bytes = yield* readBytes(file, { maxBytes: MAX_BYTES });
  return yield* Effect.try({
    try: () => {
      const isZipped = GZIP.every((byte, i) => bytes[i] === byte);
      const plain = isZipped ? gunzipSync(bytes, { maxOutputLength: MAX_BYTES }) : bytes;
      return new TextDecoder("utf-8", { fatal: true }).decode(plain);
    },
    catch: () =>
      usageError(`${file}: is not UTF-8 text, plain or in gzip, of at most 256 MiB; give a file of JSON Lines`),
  });
});
