import type { ImportContext } from "./import-context.ts";
import type { DocumentFormat, LineFormat } from "./parsed-file.ts";

/** The first bytes of a file, by which its format is told. */
export interface FileHead {
  readonly bytes: Uint8Array;
  readonly text: string;
  /** Without leading blank; cut where the head ends. */
  readonly firstLine: string;
}

/** The bytes of a file that are looked at to tell its format. */
export const HEAD_BYTES = 64 * 1_024;

export const fileHead = (bytes: Uint8Array): FileHead => {
  const text = new TextDecoder("utf-8").decode(bytes.subarray(0, HEAD_BYTES)).trimStart();
  return { bytes, text, firstLine: text.split("\n", 1)[0] ?? "" };
};

export type Reading =
  | { readonly by: "lines"; readonly format: LineFormat }
  | { readonly by: "document"; readonly format: DocumentFormat };

/** A format of result files: how to tell it, and how to read it. */
export interface FormatReader {
  /** Whether a file that begins so is probably of this format; never by its name. */
  readonly isLikely: (head: FileHead) => boolean;
  readonly reading: (head: FileHead, context: ImportContext) => Reading;
}

/** A key of a JSON object, as opposed to the same word inside a string (where its quotes are escaped). */
export const hasKey = (text: string, ...names: ReadonlyArray<string>): boolean =>
  names.some((name) => new RegExp(`(?<!\\\\)"${name}"\\s*:`, "u").test(text));
