import * as Result from "effect/Result";
import type { Problem } from "./case-file-error.ts";
import { parseJson } from "./json-line.ts";

export const decodeText = (document: Uint8Array): Result.Result<string, Problem> => {
  try {
    return Result.succeed(new TextDecoder("utf-8", { fatal: true }).decode(document));
  } catch {
    return Result.fail({ problem: "is not UTF-8", fix: "save the file as UTF-8" });
  }
};

export const parseDocument = (document: Uint8Array): Result.Result<unknown, Problem> =>
  Result.flatMap(decodeText(document), parseJson);

/** NaN and Infinity outside strings, which Python writes and JSON does not have, become null: no value. */
export const parseDocumentWithNaN = (document: Uint8Array): Result.Result<unknown, Problem> =>
  Result.flatMap(decodeText(document), (text) =>
    parseJson(
      text.replaceAll(/"(?:[^"\\]|\\.)*"|-?\b(?:NaN|Infinity)\b/gu, (part) => (part[0] === '"' ? part : "null")),
    ),
  );
