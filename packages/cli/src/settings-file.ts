import { readFileSync } from "node:fs";
import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import * as Schema from "effect/Schema";
import { type Exit, usageError } from "./exit.ts";

/** What the JSON file of a flag holds; `absent` where the flag was not given. */
export const readSettingsFile = <A>(
  flag: string,
  file: string | undefined,
  schema: Schema.Codec<A, unknown>,
  absent: A,
): Effect.Effect<A, Exit> =>
  Effect.suspend(() => {
    if (file === undefined) return Effect.succeed(absent);
    let content: unknown;
    try {
      content = JSON.parse(readFileSync(file, "utf8"));
    } catch (cause) {
      return Effect.fail(usageError(`${flag} ${file}: ${whyUnread(cause)}`));
    }
    const decoded = Schema.decodeUnknownResult(schema)(content, { onExcessProperty: "error" });
    return Result.isSuccess(decoded)
      ? Effect.succeed(decoded.success)
      : Effect.fail(usageError(`${flag} ${file}: ${decoded.failure.message.replaceAll(/\s*\n\s*/g, " ")}`));
  });

/** The parser's own message quotes the file, and its headers may be secrets. */
export const whyUnread = (cause: unknown): string =>
  cause instanceof SyntaxError
    ? "is not JSON; look for a missing comma, quote or bracket"
    : `cannot be read (${cause instanceof Error && "code" in cause ? cause.code : "unknown reason"}); check the path`;
