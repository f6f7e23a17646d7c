import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { newSigningKey, readSigningKey } from "@sluice/transparency";
import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import * as Schema from "effect/Schema";

/** One sentence that names the file, and nothing of the secret. */
export class SigningKeyError extends Schema.TaggedError<SigningKeyError>()("SigningKeyError", {
  message: Schema.String,
}) {}

/** What a record is called whose key was made here. */
const NAME = "sluice/record";

/** The key in the file, which only its owner reads; the first start makes it. */
export const signingKeyFile = (file: string) =>
  Effect.gen(function* () {
    const text = yield* Effect.try({
      try: () => readOrMake(file),
      catch: (cause) =>
        new SigningKeyError({
          message: `the signing key in ${file} cannot be read or made: ${cause instanceof Error && "code" in cause ? cause.code : "unknown reason"}`,
        }),
    });
    const key = readSigningKey(text);
    if (Result.isFailure(key)) return yield* new SigningKeyError({ message: `${file} ${key.failure}` });
    return { text, verifierKey: key.success.verifierKey };
  });

const readOrMake = (file: string): string => {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    if (!(cause instanceof Error && "code" in cause && cause.code === "ENOENT")) throw cause;
  }
  const made = newSigningKey(NAME);
  mkdirSync(dirname(file), { recursive: true });
  // Never over a key that another process has just made: what that one signed would be lost.
  writeFileSync(file, `${made}\n`, { mode: 0o600, flag: "wx" });
  return made;
};
