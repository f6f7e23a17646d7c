import type { ResultRules } from "@sluice/contracts";
import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import type { ByteSource } from "../readers/byte-source.ts";
import { CaseFileError, caseFileError, type Problem } from "../readers/case-file-error.ts";
import { type CaseFormat, caseFormatNames, readingOf } from "../readers/case-format.ts";
import { fileHead, HEAD_BYTES } from "../readers/file-head.ts";
import { defaultResultRules } from "../readers/import-context.ts";
import { LineSplitter } from "../readers/line-splitter.ts";
import type { DocumentFormat, LineFormat, ParsedFile } from "../readers/parsed-file.ts";
import { defaultLimits, type ReadLimits, sizeWords } from "../readers/read-limits.ts";
import { plainBytes } from "./plain-bytes.ts";

export interface ReadOptions {
  readonly format?: CaseFormat | "auto";
  readonly limits?: ReadLimits;
  readonly rules?: ResultRules;
  /** Cases whose input and outputs are to be kept. */
  readonly wanted?: ReadonlySet<string>;
}

/**
 * Reads one file of eval results in bounded memory, whatever its format. Fails with one sentence that names file, line,
 * field, value and fix.
 */
export const readCaseFile = (source: ByteSource, options: ReadOptions = {}): Effect.Effect<ParsedFile, CaseFileError> =>
  Effect.tryPromise({
    try: (signal) => read(source, options, signal),
    catch: (cause) => (cause instanceof CaseFileError ? cause : readError(source.name, cause)),
  });

type Chunks = AsyncIterator<Uint8Array>;

const read = async (
  source: ByteSource,
  { format = "auto", limits = defaultLimits, rules = defaultResultRules, wanted = new Set() }: ReadOptions,
  signal: AbortSignal,
): Promise<ParsedFile> => {
  const chunks = bounded(source, limits, signal)[Symbol.asyncIterator]();
  try {
    const head = await readHead(chunks);
    if (isBlank(head)) throw caseFileError(source.name, null, emptyFile);
    const reading = readingOf(format, fileHead(head), { rules, wanted });
    if (!reading) throw caseFileError(source.name, null, unknownFormat);
    const parsed =
      reading.by === "lines"
        ? await readLines(source.name, head, chunks, reading.format, limits)
        : await readDocument(source.name, head, chunks, reading.format, limits);
    // A second reading for a few cases may rightly find none in a file.
    if (wanted.size === 0 && [...parsed.arms.values()].every((arm) => arm.results === 0))
      throw caseFileError(source.name, null, noCases);
    return parsed;
  } finally {
    await chunks.return?.();
  }
};

const bounded = async function* (source: ByteSource, limits: ReadLimits, signal: AbortSignal) {
  let bytes = 0;
  for await (const chunk of plainBytes(source)) {
    signal.throwIfAborted();
    bytes += chunk.length;
    if (bytes > limits.maxBytes) throw caseFileError(source.name, null, tooLarge(limits.maxBytes));
    yield chunk;
  }
};

/** A head shorter than was asked for is the whole file. */
const isBlank = (head: Uint8Array): boolean => head.length < HEAD_BYTES && head.every((byte) => byte <= SPACE);

const SPACE = 32;
const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf];

const readHead = async (chunks: Chunks): Promise<Uint8Array> => {
  const parts: Array<Uint8Array> = [];
  let bytes = 0;
  while (bytes < HEAD_BYTES) {
    const next = await chunks.next();
    if (next.done) break;
    parts.push(next.value.slice());
    bytes += next.value.length;
  }
  const head = Buffer.concat(parts);
  return BYTE_ORDER_MARK.every((byte, i) => head[i] === byte) ? head.subarray(3) : head;
};

const readLines = async (
  name: string,
  head: Uint8Array,
  rest: Chunks,
  format: LineFormat,
  limits: ReadLimits,
): Promise<ParsedFile> => {
  const { onLine, size, finish } = format();
  const splitter = new LineSplitter(limits.maxLineBytes, (text, line) =>
    size() >= limits.maxCases ? (onLine(text, line) ?? tooManyCases(size(), limits)) : onLine(text, line),
  );
  const check = (problem: Problem | undefined) => {
    if (problem) throw caseFileError(name, splitter.line, problem);
  };
  check(splitter.push(head));
  for (let next = await rest.next(); !next.done; next = await rest.next()) check(splitter.push(next.value));
  check(splitter.end());
  return orThrow(name, finish());
};

const readDocument = async (
  name: string,
  head: Uint8Array,
  rest: Chunks,
  format: DocumentFormat,
  limits: ReadLimits,
): Promise<ParsedFile> => {
  const parts: Array<Uint8Array> = [head];
  let bytes = head.length;
  for (let next = await rest.next(); !next.done; next = await rest.next()) {
    bytes += next.value.length;
    if (bytes > limits.maxDocumentBytes) throw caseFileError(name, null, tooLarge(limits.maxDocumentBytes));
    parts.push(next.value);
  }
  const parsed = orThrow(name, await format(Buffer.concat(parts)));
  for (const arm of parsed.arms.values()) {
    const problem = tooManyCases(arm.clusters.size, limits);
    if (problem) throw caseFileError(name, null, problem);
  }
  return parsed;
};

const orThrow = <A>(name: string, result: Result.Result<A, Problem>): A => {
  if (Result.isFailure(result)) throw caseFileError(name, null, result.failure);
  return result.success;
};

const emptyFile: Problem = {
  kind: "unusable",
  problem: "is empty (0 cases)",
  fix: "run the evaluation again and check that it wrote its results",
};
const noCases: Problem = { ...emptyFile, problem: "holds 0 cases" };
const unknownFormat: Problem = {
  problem: "is in no format that is known",
  fix: `write one JSON object per line with case_id and score, or name the format with --format ${caseFormatNames.join("|")}`,
};
const tooLarge = (bytes: number): Problem => ({
  problem: `is larger than ${sizeWords(bytes)}`,
  fix: "leave inputs and outputs out, or split the eval set",
});
const tooManyCases = (cases: number, { maxCases }: ReadLimits): Problem | undefined =>
  cases > maxCases ? { problem: `holds more than ${maxCases} cases`, fix: "split the eval set" } : undefined;

const readError = (name: string, cause: unknown): CaseFileError => {
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
  if (code === "Z_BUF_ERROR")
    return caseFileError(name, null, {
      problem: "is a gzip that ends too early",
      fix: "copy or write it again; it seems cut off",
    });
  if (code.startsWith("Z_"))
    return caseFileError(name, null, { problem: `is a damaged gzip (${code})`, fix: "copy or write it again" });
  if (code === "ENOENT")
    return caseFileError(name, null, { kind: "unreadable", problem: "does not exist", fix: "check the path" });
  if (code === "EISDIR")
    return caseFileError(name, null, { kind: "unreadable", problem: "is a directory", fix: "name a file" });
  if (code === "EACCES")
    return caseFileError(name, null, { kind: "unreadable", problem: "may not be read", fix: "check its permissions" });
  const message = cause instanceof Error ? cause.message : String(cause);
  return caseFileError(name, null, {
    kind: "unreadable",
    problem: `could not be read (${message})`,
    fix: "check the file",
  });
};
