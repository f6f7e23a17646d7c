import { verify } from "node:crypto";
import * as Result from "effect/Result";
import type { SigningKey, VerifierKey } from "./signing-key.ts";

// C2SP signed notes: a text that ends with a newline, an empty line, and a line for each signature.

const SIGNATURE = /^— (\S+) (\S+)$/u;

/** `text` must end with a newline and hold no empty line at its end. */
export const signNote = (text: string, key: SigningKey): string => {
  const signature = Buffer.concat([Buffer.from(key.keyId, "hex"), key.sign(Buffer.from(text))]);
  return `${text}\n— ${key.name} ${signature.toString("base64")}\n`;
};

/** The text of a note that the key has signed, or why it is not to be believed. */
export const openNote = (note: string, key: VerifierKey): Result.Result<string, string> => {
  const end = note.lastIndexOf("\n\n");
  if (end < 0 || !note.endsWith("\n")) return Result.fail("is no signed note");
  const text = note.slice(0, end + 1);
  for (const line of note.slice(end + 2, -1).split("\n")) {
    const [, name, data = ""] = SIGNATURE.exec(line) ?? [];
    const bytes = Buffer.from(data, "base64");
    if (name !== key.name || bytes.subarray(0, 4).toString("hex") !== key.keyId) continue;
    return verify(null, Buffer.from(text), key.publicKey, bytes.subarray(4))
      ? Result.succeed(text)
      : Result.fail(`has a false signature of ${key.name}+${key.keyId}`);
  }
  return Result.fail(`is not signed by ${key.name}+${key.keyId}`);
};
