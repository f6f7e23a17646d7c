import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import { SettingsError } from "./settings-error.ts";

/** A `Config`, or anything else that reads a setting and fails with a sentence. */
type Reader = Effect.Effect<unknown, { readonly message: string }>;
export type Readers = Readonly<Record<string, Reader>>;
export type Read<Needs extends Readers> = { readonly [Name in keyof Needs]: Effect.Success<Needs[Name]> };

/**
 * Reads settings and tells all their faults at once: who deploys a service should not find them one start after the other.
 */
export const readSettings = <const Needs extends Readers>(readers: Needs): Effect.Effect<Read<Needs>, SettingsError> =>
  Effect.gen(function* () {
    const read: Record<string, unknown> = {};
    const faults: Array<string> = [];
    for (const [name, reader] of Object.entries<Reader>(readers)) {
      const result = yield* Effect.result(reader);
      if (Result.isSuccess(result)) read[name] = result.success;
      else faults.push(sentenceOf(result.failure));
    }
    if (faults.length > 0)
      return yield* new SettingsError({
        message: faults.map((fault) => (/[.:;]$/.test(fault) ? fault.slice(0, -1) : fault)).join("; "),
      });
    // Every reader succeeded, each under its own name.
    return read as Read<Needs>;
  });

/** One line, with the variable first: `DATABASE_URL is not set`. */
const sentenceOf = (failure: { readonly message: string }): string => {
  if (failure instanceof SettingsError) return failure.message;
  const message = failure.message.replaceAll(/\s*\n\s*/g, " ");
  const variable = message.match(/ at \["(\w+)"\]/)?.[1];
  if (variable === undefined) return message;
  const problem = message.replace(/^SchemaError\(|\)$/g, "").replace(` at ["${variable}"]`, "");
  return process.env[variable] === undefined ? `${variable} is not set` : `${variable}: ${problem}`;
};
