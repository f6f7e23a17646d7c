import { readableFault } from "@sluice/contracts";
import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import * as Schema from "effect/Schema";
import { type Exit, usageError } from "./exit.ts";
import { MAX_SETTINGS_BYTES, readUtf8 } from "./file-content.ts";

/** What the JSON file of a flag holds; `absent` where the flag was not given. */
export const readSettingsFile = Effect.fn("readSettingsFile")(function* <A>(
  flag: string,
  file: string | undefined,
  schema: Schema.Codec<A, unknown>,
  absent: A,
): Effect.fn.Return<A, Exit> {
  return file === undefined ? absent : yield* readJson(file, schema, `${flag} ${file}`);
});

/** The parser's own message would quote the file, whose headers may be secrets. */
export const readJson = Effect.fn("readJson")(function* <A>(
  file: string,
  schema: Schema.Codec<A, unknown>,
  named: string,
): Effect.fn.Return<A, Exit> {
  const text = yield* readUtf8(file, { maxBytes: MAX_SETTINGS_BYTES, named });
  const content = yield* Effect.try({
    try: (): unknown => JSON.parse(text),
    catch: () => usageError(`${named}: is not JSON; look for a missing comma, quote or bracket`),
  });
  const decoded = Schema.decodeUnknownResult(schema)(content, { onExcessProperty: "error" });
  if (Result.isSuccess(decoded)) return decoded.success;
  return yield* usageError(`${named}: ${readableFault(decoded.failure.message)}`);
});
