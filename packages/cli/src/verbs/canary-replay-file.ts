import { RecordedRequestLine, recordedRequest } from "@sluice/stack/recorded-canary";
import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import * as Schema from "effect/Schema";
import { type Exit, usageError } from "../exit.ts";
import { readTextFile } from "../text-file.ts";

const decode = Schema.decodeUnknownResult(RecordedRequestLine);
const { validate } = Schema.toStandardSchemaV1(RecordedRequestLine)["~standard"];

/** The requests of a recorded canary, JSON Lines, plain or gzipped; else one sentence with file, line, value and fix. */
export const readRecording = Effect.fn("readRecording")(function* (
  file: string,
): Effect.fn.Return<ReadonlyArray<ReturnType<typeof recordedRequest>>, Exit> {
  const text = yield* readTextFile(file);
  const requests: Array<ReturnType<typeof recordedRequest>> = [];
  for (const [i, line] of text.split("\n").entries()) {
    if (line.trim() === "") continue;
    const row = Result.flatMap(parsed(line), rowOf);
    if (Result.isFailure(row)) return yield* usageError(`${file}, line ${i + 1}: ${row.failure}`);
    requests.push(recordedRequest(row.success));
  }
  if (requests.length === 0) return yield* usageError(`${file}: has no requests; write one JSON object a line`);
  return requests;
});

const parsed = (line: string): Result.Result<unknown, string> =>
  Result.mapError(
    Result.try((): unknown => JSON.parse(line)),
    () => `${shown(line)} is not JSON; write one object a line`,
  );

const rowOf = (value: unknown): Result.Result<RecordedRequestLine, string> => {
  const decoded = decode(value);
  return Result.isSuccess(decoded) ? Result.succeed(decoded.success) : Result.fail(faultOf(value));
};

/** The first field that is not as it must be, its value, and what it must be. */
const faultOf = (value: unknown): string => {
  const outcome = validate(value);
  const issue = outcome instanceof Promise ? undefined : outcome.issues?.[0];
  const expected = (issue?.message ?? "expected a recorded request").replaceAll(/\s+/gu, " ").replace(/[\s:.]+$/u, "");
  const [key] = (issue?.path ?? []).map((part) => String(typeof part === "object" ? part.key : part));
  if (key === undefined) return `${shown(JSON.stringify(value))} is no recorded request; write one object a line`;
  const found: unknown = typeof value === "object" && value !== null ? Reflect.get(value, key) : undefined;
  if (found === undefined) return `${key} is missing; every row has it`;
  return `${key} is ${shown(JSON.stringify(found))}; ${expected.charAt(0).toLowerCase()}${expected.slice(1)}`;
};

const shown = (text: string): string => (text.length > 60 ? `${text.slice(0, 59)}…` : text);
