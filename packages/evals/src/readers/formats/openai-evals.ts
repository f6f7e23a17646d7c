import * as Result from "effect/Result";
import * as Schema from "effect/Schema";
import type { Outcome } from "../../domain/case-result.ts";
import { ArmCollector } from "../arm-collector.ts";
import type { Problem } from "../case-file-error.ts";
import { type FormatReader, hasKey } from "../file-head.ts";
import type { ImportContext } from "../import-context.ts";
import { errored, scored } from "../imported-score.ts";
import { parseJson, problemDecoder } from "../json-line.ts";
import type { LineFormat } from "../parsed-file.ts";

const Line = Schema.Struct({
  spec: Schema.optionalKey(Schema.Struct({ completion_fns: Schema.optionalKey(Schema.Array(Schema.String)) })),
  final_report: Schema.optionalKey(Schema.Unknown),
  sample_id: Schema.optionalKey(Schema.NullOr(Schema.String)),
  type: Schema.optionalKey(Schema.String),
  data: Schema.optionalKey(Schema.Unknown),
});

const decode = problemDecoder(Line, "give the log of an OpenAI evals run");

/** What a sample's events say, in their order. A match outranks metrics, because metrics often only repeat it. */
interface Sample {
  readonly matches: Array<boolean>;
  readonly metrics: Array<number>;
  readonly errors: Array<string>;
}

const fieldOf = (data: unknown, name: string): unknown =>
  typeof data === "object" && data !== null ? Reflect.get(data, name) : undefined;

/** The names under which evals record the score of a sample. */
const scoreNames = ["score", "accuracy", "correct"];

/** OpenAI evals JSONL: `match` events, else `metrics`; an `error` event without either is an error. */
const openAiEvalsLines =
  (context: ImportContext): LineFormat =>
  () => {
    const samples = new Map<string, Sample>();
    let arm = "results";
    let finished = false;
    return {
      onLine: (text) => {
        const line = Result.flatMap(parseJson(text), decode);
        if (Result.isFailure(line)) return line.failure;
        const { spec, final_report, sample_id, type, data } = line.success;
        if (spec?.completion_fns?.[0]) arm = spec.completion_fns[0];
        if (final_report !== undefined) finished = true;
        if (sample_id && type && eventTypes.has(type)) {
          const sample = samples.get(sample_id) ?? { matches: [], metrics: [], errors: [] };
          samples.set(sample_id, sample);
          note(sample, type, data);
        }
        return undefined;
      },
      size: () => samples.size,
      finish: () => (finished ? armsOf(arm, samples, context) : Result.fail(notFinished)),
    };
  };

/** The events that say how a sample fared. */
const eventTypes = new Set(["match", "metrics", "error"]);

const note = (sample: Sample, type: string, data: unknown): void => {
  if (type === "match") {
    const correct = fieldOf(data, "correct");
    // A grader that gave no verdict is the third state, neither passed nor failed.
    if (correct === true || correct === 1) sample.matches.push(true);
    else if (correct === false || correct === 0) sample.matches.push(false);
    else sample.errors.push("the match says nothing of correct");
  } else if (type === "metrics") {
    const score = scoreNames
      .map((name) => fieldOf(data, name))
      .find((value) => typeof value === "number" || typeof value === "boolean");
    if (score === undefined) sample.errors.push("the metrics hold no score");
    else sample.metrics.push(Number(score));
  } else sample.errors.push(String(fieldOf(data, "message") ?? fieldOf(data, "error") ?? "error"));
};

const notFinished: Problem = {
  kind: "unusable",
  problem: "has no final_report, so the run did not finish",
  fix: "run the eval to its end",
};

const armsOf = (arm: string, samples: ReadonlyMap<string, Sample>, context: ImportContext) => {
  const collector = new ArmCollector(context);
  return collector.addAll(
    [...samples].flatMap(([caseId, sample]) =>
      outcomesOf(sample).map((outcome) => Result.map(outcome, (value) => ({ arm, caseId, outcome: value }))),
    ),
  );
};

const outcomesOf = ({ matches, metrics, errors }: Sample): ReadonlyArray<Result.Result<Outcome, Problem>> => {
  if (matches.length > 0)
    return matches.map((passed) => Result.succeed({ _tag: "Scored", score: passed ? 1 : 0, passed }));
  if (metrics.length > 0) return metrics.map((score) => scored("data.score", score, undefined));
  return errors.slice(0, 1).map((message) => Result.succeed(errored(message)));
};

export const openAiEvalsFormat: FormatReader = {
  isLikely: ({ firstLine }) =>
    firstLine.startsWith("{") &&
    (hasKey(firstLine, "spec") || (hasKey(firstLine, "sample_id") && hasKey(firstLine, "type"))),
  reading: (_head, context) => ({ by: "lines", format: openAiEvalsLines(context) }),
};
