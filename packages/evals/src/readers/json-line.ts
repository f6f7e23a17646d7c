import * as Result from "effect/Result";
import * as Schema from "effect/Schema";
import { type Problem, showValue } from "./case-file-error.ts";

/** JSON has no NaN and no Infinity, but Python writes them. */
const NOT_A_NUMBER = /"((?:[^"\\]|\\.)*)"\s*:\s*(-?(?:NaN|Infinity))/u;

export const parseJson = (text: string): Result.Result<unknown, Problem> => {
  try {
    return Result.succeed(JSON.parse(text));
  } catch (error) {
    return Result.fail(jsonProblem(text, error));
  }
};

const jsonProblem = (text: string, error: unknown): Problem => {
  const special = NOT_A_NUMBER.exec(text);
  if (special)
    return {
      field: special[1],
      value: special[2],
      problem: "is no number in JSON",
      fix: "write a number from 0 to 1, or the field error for a case without a score",
    };
  const cause = error instanceof Error ? error.message : String(error);
  const position = Number(/ at position (\d+)/u.exec(cause)?.[1] ?? Number.NaN);
  if (/end of JSON input|Unterminated/u.test(cause) || position >= text.trimEnd().length)
    return { problem: "ends in the middle of a JSON value", fix: "write the file again; it seems cut off" };
  // What is around the fault, since a document's beginning says nothing about it.
  const around = Number.isNaN(position) ? text.trim() : text.slice(Math.max(0, position - 20), position + 20);
  return { problem: "is not JSON", value: showValue(around), fix: "write the file again as the format asks" };
};

const fixes: Readonly<Record<string, string>> = {
  case_id: "give every case an id, a string that is not empty",
  slice: "give the slice as a string, or leave it out",
  safety: "write true or false",
  score: "give a score from 0 to 1",
  passed: "write true or false",
  error: "give the error as a string, or leave it out",
  repeat: "number the repeats of a case 0, 1, 2 …",
  latency_ms: "give milliseconds of 0 or more, or leave it out",
  cost_usd: "give an amount of 0 or more, or leave it out",
  baseline: "give the results of both arms, baseline and candidate",
  candidate: "give the results of both arms, baseline and candidate",
};

/** A decoder whose refusal is one problem with field, value and fix. Decoding costs about 2 µs a line. */
export const problemDecoder = <A, E>(
  schema: Schema.Codec<A, E>,
  whole = "write one JSON object per line",
): ((value: unknown) => Result.Result<A, Problem>) => {
  const decode = Schema.decodeUnknownResult(schema);
  const standard = Schema.toStandardSchemaV1(schema);
  return (value) =>
    Result.mapError(decode(value), (): Problem => {
      const outcome = standard["~standard"].validate(value);
      const issue = outcome instanceof Promise ? undefined : outcome.issues?.[0];
      const path = (issue?.path ?? []).map((part) => (typeof part === "object" ? part.key : part));
      if (path.length === 0) return { value: showValue(value), problem: "is not what the format holds", fix: whole };
      const found = path.reduce<unknown>(
        (inner, key) => (typeof inner === "object" && inner !== null ? Reflect.get(inner, key) : undefined),
        value,
      );
      const fix = fixes[String(path.at(-1))] ?? (issue?.message ?? "see the format's description").toLowerCase();
      const field = path.map(String).join(".");
      return found === undefined
        ? { field, problem: "is missing", fix }
        : { field, value: showValue(found), problem: "", fix };
    });
};
