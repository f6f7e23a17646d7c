import { readFile } from "node:fs/promises";
import { gunzipSync } from "node:zlib";
import { RecordedRequestLine, recordedRequest } from "@sluice/stack/recorded-canary";
import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import * as Schema from "effect/Schema";
import { type Exit, usageError } from "../exit.ts";

/** A recording is held in memory at once. */
const MAX_BYTES = 256 * 1_024 * 1_024;
const GZIP = [0x1f, 0x8b];

const decode = Schema.decodeUnknownResult(RecordedRequestLine);
const { validate } = Schema.toStandardSchemaV1(RecordedRequestLine)["~standard"];

/** The requests of a recorded canary, JSON Lines, plain or gzipped; else one sentence with file, line, value and fix. */
export const readRecording = Effect.fn("readRecording")(function* (
  file: string,
): Effect.fn.Return<ReadonlyArray<ReturnType<typeof recordedRequest>>, Exit> {
  const bytes = yield* Effect.tryPromise({
    try: (signal) => readFile(file, { signal }),
    catch: (cause) =>
      usageError(
        `${file}: cannot be read (${cause instanceof Error && "code" in cause ? cause.code : "unknown reason"}); check the path`,
      ),
  });
  const text = yield* Effect.try({
    try: () => {
      const isZipped = GZIP.every((byte, i) => bytes[i] === byte);
      const plain = isZipped ? gunzipSync(bytes, { maxOutputLength: MAX_BYTES }) : bytes.subarray(0, MAX_BYTES + 1);
      if (plain.length > MAX_BYTES) throw new RangeError("too large");
      return new TextDecoder("utf-8", { fatal: true }).decode(plain);
    },
    catch: () =>
      usageError(`${file}: is not UTF-8 text, plain or in gzip, of at most 256 MiB; give a file of JSON Lines`),
  });
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
