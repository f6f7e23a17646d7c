import type { CaseFormat } from "./case-format.ts";

/** A key of a JSON object, as opposed to the same word inside a string (where its quotes are escaped). */
const hasKey = (text: string, ...names: ReadonlyArray<string>): boolean =>
  names.some((name) => new RegExp(`(?<!\\\\)"${name}"\\s*:`, "u").test(text));

/** The bytes of a file that are looked at to tell its format. */
export const HEAD_BYTES = 64 * 1_024;

/** The format of a file by its first bytes; undefined when it is none that is known. Never by its name. */
export const detectFormat = (head: Uint8Array): CaseFormat | undefined => {
  const text = new TextDecoder("utf-8").decode(head).trimStart();
  const [firstLine = ""] = text.split("\n", 1);
  if (!firstLine.startsWith("{")) return undefined;
  if (hasKey(firstLine, "baseline", "candidate")) return "sluice-pairs";
  if (hasKey(firstLine, "case_id", "score", "passed")) return "sluice";
  return undefined;
};
