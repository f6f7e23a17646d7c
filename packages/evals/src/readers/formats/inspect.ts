import * as Result from "effect/Result";
import type { Outcome } from "../../domain/case-result.ts";
import { safetyBy, sliceBy } from "../../domain/result-rules.ts";
import { ArmCollector, type ImportedResult } from "../arm-collector.ts";
import { type Problem, showValue } from "../case-file-error.ts";
import { type FormatReader, hasKey } from "../file-head.ts";
import type { ImportContext } from "../import-context.ts";
import { errored, scored } from "../imported-score.ts";
import { parseDocumentWithNaN } from "../json-document.ts";
import { problemDecoder } from "../json-line.ts";
import type { DocumentFormat, Parsed } from "../parsed-file.ts";
import { openZip } from "../zip.ts";
import { EvalLog, EvalSample } from "./inspect-schema.ts";

const decodeLog = problemDecoder(EvalLog, "give a log of Inspect AI");
const decodeSample = problemDecoder(EvalSample, "give a log of Inspect AI");

/** Inspect log as JSON: the whole log in one document. */
const inspectDocument =
  (context: ImportContext): DocumentFormat =>
  (document) =>
    Result.flatMap(Result.flatMap(parseDocumentWithNaN(document), decodeLog), (log) =>
      importLog(log, log.samples ?? [], context),
    );

/** Inspect `.eval`: a ZIP of the log's header and one file a sample. */
const inspectArchive =
  (context: ImportContext): DocumentFormat =>
  async (document) => {
    const opened = await openZip(document);
    if (Result.isFailure(opened)) return Result.fail(opened.failure);
    const archive = opened.success;
    const header = await archive.read("header.json");
    if (Result.isFailure(header)) return Result.fail(header.failure);
    if (header.success === undefined) return Result.fail(notFinished("header.json", "is missing"));
    const log = Result.flatMap(parseDocumentWithNaN(header.success), decodeLog);
    if (Result.isFailure(log)) return Result.fail(within("header.json", log.failure));
    const samples: Array<EvalSample> = [];
    // One at a time, keeping only what is needed: transcripts may be a hundred times larger.
    for (const name of archive.names.filter((entry) => /^samples\/.*\.json$/u.test(entry))) {
      const bytes = await archive.read(name);
      if (Result.isFailure(bytes)) return Result.fail(bytes.failure);
      const sample = Result.flatMap(parseDocumentWithNaN(bytes.success ?? new Uint8Array()), decodeSample);
      if (Result.isFailure(sample)) return Result.fail(within(name, sample.failure));
      samples.push(sample.success);
    }
    return importLog(log.success, samples, context);
  };

const within = (entry: string, problem: Problem): Problem => ({
  ...problem,
  field: problem.field === undefined ? entry : `${entry}: ${problem.field}`,
});

const notFinished = (field: string, problem: string, value?: string): Problem => ({
  kind: "unusable",
  field,
  value,
  problem,
  fix: "run the evaluation to its end, with its samples logged",
});

const importLog = (log: EvalLog, samples: ReadonlyArray<EvalSample>, context: ImportContext): Parsed => {
  if (log.version !== 2)
    return Result.fail({
      field: "version",
      value: showValue(log.version),
      problem: "",
      fix: "convert the log to version 2 with inspect log convert",
    });
  if (log.status !== "success") return Result.fail(notFinished("status", "", `"${log.status}"`));
  if (log.invalidated)
    return Result.fail({ ...notFinished("invalidated", "", "true"), fix: "use a log that nobody invalidated" });
  const completed = log.results?.completed_samples ?? 0;
  if (samples.length < completed)
    return Result.fail(notFinished("samples", `has ${samples.length} of ${completed} entries`));
  const scorer = scorerOf(log, samples);
  if (scorer === undefined)
    return Result.fail({
      ...notFinished("results.scores", "is empty"),
      fix: "score the log first, with inspect score",
    });
  const arm = log.eval.model ?? "results";
  return new ArmCollector(context).addAll(samples.map((sample, i) => resultOf(sample, i, arm, scorer, context)));
};

/**
 * The name under which samples keep the score that the log lists first. A scorer whose value is a map is listed once for
 * each of its keys, by the key's name.
 */
const scorerOf = (log: EvalLog, samples: ReadonlyArray<EvalSample>): string | undefined => {
  const [listed] = log.results?.scores ?? [];
  const kept = Object.keys(samples.find(({ scores }) => scores)?.scores ?? {});
  const named = [listed?.name, listed?.scorer].filter((name) => typeof name === "string");
  return named.find((name) => kept.includes(name)) ?? named[0] ?? kept[0];
};

const resultOf = (
  sample: EvalSample,
  index: number,
  arm: string,
  scorer: string,
  { rules }: ImportContext,
): Result.Result<ImportedResult, Problem> =>
  Result.map(outcomeOf(sample, `samples.${index}.scores.${scorer}.value`, scorer), (outcome) => ({
    arm,
    caseId: String(sample.id),
    repeat: sample.epoch ?? 1,
    slice: sliceBy(rules, sample.metadata),
    safety: safetyBy(rules, sample.metadata),
    outcome,
    input: typeof sample.input === "string" ? sample.input : JSON.stringify(sample.input),
    output: sample.output?.completion ?? undefined,
  }));

const outcomeOf = (sample: EvalSample, field: string, scorer: string): Result.Result<Outcome, Problem> => {
  if (sample.error) return Result.succeed(errored(sample.error.message));
  if (sample.invalidation) return Result.succeed(errored("the sample was invalidated"));
  const value = sample.scores?.[scorer]?.value;
  if (value === undefined || value === null) return Result.succeed(errored(`no score of ${scorer}`));
  const score = scoreOf(value);
  return score === undefined
    ? Result.fail({
        field,
        value: showValue(value),
        problem: "is no score",
        fix: "score with C, I, P, N, a truth value or 0 to 1",
      })
    : scored(field, score, undefined);
};

const letters: ReadonlyMap<string, number> = new Map([
  ["C", 1],
  ["I", 0],
  ["P", 0.5],
  ["N", 0],
]);

/** A value as Inspect reduces it: letters, truth values, numbers, and the mean of a list or map of them. */
const scoreOf = (value: unknown): number | undefined => {
  if (typeof value === "number") return value;
  if (typeof value === "boolean") return Number(value);
  if (typeof value === "string") return letters.get(value) ?? wordScore(value);
  if (typeof value !== "object" || value === null) return undefined;
  const parts = Object.values(value).map(scoreOf);
  const sum = parts.reduce<number | undefined>(
    (total, part) => (total === undefined || part === undefined ? undefined : total + part),
    0,
  );
  return sum === undefined || parts.length === 0 ? undefined : sum / parts.length;
};

const wordScore = (word: string): number | undefined => {
  const lower = word.trim().toLowerCase();
  if (["yes", "true"].includes(lower)) return 1;
  if (["no", "false"].includes(lower)) return 0;
  return lower !== "" && Number.isFinite(Number(lower)) ? Number(lower) : undefined;
};

const ZIP = [0x50, 0x4b];
const isZip = (bytes: Uint8Array): boolean => ZIP.every((byte, i) => bytes[i] === byte);

export const inspectFormat: FormatReader = {
  isLikely: ({ bytes, text }) =>
    isZip(bytes) || (text.startsWith("{") && hasKey(text, "status") && hasKey(text, "eval") && hasKey(text, "version")),
  reading: ({ bytes }, context) => ({
    by: "document",
    format: (isZip(bytes) ? inspectArchive : inspectDocument)(context),
  }),
};
