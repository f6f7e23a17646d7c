import { createReadStream } from "node:fs";
import { gunzipSync } from "node:zlib";
import { type Digest, digestOfBytes, EvalCase, EvalScorer, EvalSetDocument } from "@sluice/contracts";
import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import { parseDocument } from "yaml";
import { decodeLine } from "./decode-line.ts";
import { type EvalRunError, usageFault } from "./eval-run-error.ts";

export type ScorerOrName = NonNullable<EvalCase["scorer"]>;

export interface EvalSet {
  readonly file: string;
  /** Of the file's bytes: what `sluice release request` gives as the evidence's eval set. */
  readonly digest: Digest;
  readonly cases: ReadonlyArray<EvalCase>;
  /** For the cases that name none. */
  readonly scorers: ReadonlyArray<ScorerOrName>;
}

const MAX_BYTES = 256 * 1_024 * 1_024;
/** A set larger than this is asked in parts: its answers are kept in memory until the results are written. */
const MAX_CASES = 200_000;

/** One byte more than allowed is enough to know: a device is never read to an end that it has not. */
const readBounded = async (file: string, signal: AbortSignal): Promise<Buffer> => {
  const chunks: Array<Buffer> = [];
  for await (const chunk of createReadStream(file, { end: MAX_BYTES, signal })) chunks.push(chunk);
  return Buffer.concat(chunks);
};

/** Reads JSON Lines (plain or .gz), or one YAML or JSON document. Every fault is one sentence with file, line and fix. */
export const readEvalSet = Effect.fn("readEvalSet")(function* (file: string): Effect.fn.Return<EvalSet, EvalRunError> {
  const bytes = yield* Effect.tryPromise({
    try: (signal) => readBounded(file, signal),
    catch: (cause) =>
      usageFault(
        `${file}: cannot be read (${cause instanceof Error && "code" in cause ? cause.code : "unknown reason"}); check the path`,
      ),
  });
  const text = yield* Effect.fromResult(textOf(file, bytes));
  const isDocument = /\.(?:ya?ml|json)(?:\.gz)?$/iu.test(file);
  const read = yield* Effect.fromResult(
    isDocument ? fromDocument(file, text) : Result.map(fromLines(file, text), (cases) => ({ cases, scorers: [] })),
  );
  if (read.cases.length === 0) return yield* usageFault(`${file}: has no cases; write one JSON object a line`);
  if (read.cases.length > MAX_CASES)
    return yield* usageFault(`${file}: has ${read.cases.length} cases; split it into files of at most ${MAX_CASES}`);
  const seen = new Set<string>();
  for (const { case_id: caseId } of read.cases) {
    if (seen.has(caseId))
      return yield* usageFault(`${file}: case_id ${JSON.stringify(caseId)} is there twice; give each case its own`);
    seen.add(caseId);
  }
  return { file, digest: digestOfBytes(bytes), ...read };
});

const textOf = (file: string, bytes: Uint8Array): Result.Result<string, EvalRunError> => {
  if (bytes.length > MAX_BYTES) return Result.fail(usageFault(`${file}: is larger than 256 MiB; split it`));
  try {
    const plain = file.endsWith(".gz") ? gunzipSync(bytes, { maxOutputLength: MAX_BYTES }) : bytes;
    return Result.succeed(new TextDecoder("utf-8", { fatal: true }).decode(plain));
  } catch {
    return Result.fail(
      usageFault(
        `${file}: is not UTF-8 text${file.endsWith(".gz") ? " in gzip of at most 256 MiB" : ""}; save it as UTF-8`,
      ),
    );
  }
};

const kinds = EvalScorer.members.map((member) => member.fields.kind.literal);
/** A union says only its own name; what can stand there is of more help. */
const withKinds = <A>(decoded: Result.Result<A, string>): Result.Result<A, string> =>
  Result.mapError(decoded, (sentence) =>
    sentence.replace(
      "expected EvalScorer",
      `give a scorer with the kind ${kinds.slice(0, -1).join(", ")} or ${kinds.at(-1)}`,
    ),
  );
const caseIn = decodeLine(EvalCase);
const documentIn = decodeLine(EvalSetDocument);
const decodeCase = (value: unknown) => withKinds(caseIn(value));
const decodeDocument = (value: unknown) => withKinds(documentIn(value));

const fromLines = (file: string, text: string): Result.Result<ReadonlyArray<EvalCase>, EvalRunError> => {
  const cases: Array<EvalCase> = [];
  for (const [i, line] of text.split("\n").entries()) {
    if (line.trim() === "") continue;
    const decoded = Result.flatMap(parsed(line), decodeCase);
    if (Result.isFailure(decoded)) return Result.fail(usageFault(`${file}, line ${i + 1}: ${decoded.failure}`));
    cases.push(decoded.success);
  }
  return Result.succeed(cases);
};

const parsed = (line: string): Result.Result<unknown, string> =>
  Result.mapError(
    Result.try(() => JSON.parse(line) as unknown),
    () => "is not JSON; write one JSON object a line",
  );

const fromDocument = (file: string, text: string): Result.Result<Pick<EvalSet, "cases" | "scorers">, EvalRunError> => {
  const document = parseDocument(text, { prettyErrors: true });
  const [error] = document.errors;
  if (error) {
    const line = error.linePos?.[0].line;
    const [what = ""] = error.message.split("\n", 1);
    return Result.fail(
      usageFault(
        `${file}${line ? `, line ${line}` : ""}: not YAML: ${what.replace(/[\s:.]+$/u, "")}; check the syntax`,
      ),
    );
  }
  const value: unknown = document.toJS({ maxAliasCount: 100 });
  const decoded = decodeDocument(Array.isArray(value) ? { cases: value } : value);
  return Result.match(decoded, {
    onFailure: (sentence) => Result.fail(usageFault(`${file}: ${sentence}`)),
    onSuccess: ({ cases, scorers }) => Result.succeed({ cases, scorers: scorers ?? [] }),
  });
};
