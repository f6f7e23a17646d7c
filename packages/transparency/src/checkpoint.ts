import * as Result from "effect/Result";
import { openNote, signNote } from "./signed-note.ts";
import type { SigningKey, VerifierKey } from "./signing-key.ts";

/** What a C2SP checkpoint says: the log of this origin has `size` leaves, and their tree has this root. */
export interface Checkpoint {
  readonly origin: string;
  readonly size: number;
  /** 64 hex digits; base64 in the note, as C2SP has it. */
  readonly root: string;
}

/** The log is called as its key is. */
export const signCheckpoint = ({ size, root }: Omit<Checkpoint, "origin">, key: SigningKey): string =>
  signNote(`${key.name}\n${size}\n${Buffer.from(root, "hex").toString("base64")}\n`, key);

/** The checkpoint of a note that this key has signed, or why it is none. */
export const openCheckpoint = (note: string, key: VerifierKey): Result.Result<Checkpoint, string> =>
  Result.flatMap(openNote(note, key), (text) => {
    const [origin, size = "", root = ""] = text.split("\n");
    const bytes = Buffer.from(root, "base64");
    if (origin !== key.name) return Result.fail(`is of the log ${origin}, not of ${key.name}`);
    if (!/^(?:0|[1-9]\d{0,14})$/u.test(size) || bytes.length !== 32) return Result.fail("is no checkpoint");
    return Result.succeed({ origin, size: Number(size), root: bytes.toString("hex") });
  });
