import { createHash } from "node:crypto";
import * as Result from "effect/Result";
import * as Schema from "effect/Schema";
import { safetyBy, sliceBy } from "../../domain/result-rules.ts";
import { ArmCollector, type ImportedResult } from "../arm-collector.ts";
import type { Problem } from "../case-file-error.ts";
import { type FormatReader, hasKey } from "../file-head.ts";
import type { ImportContext } from "../import-context.ts";
import { errored } from "../imported-score.ts";
import { parseDocument } from "../json-document.ts";
import { problemDecoder } from "../json-line.ts";
import type { DocumentFormat } from "../parsed-file.ts";

const maybe = <S extends Schema.Constraint>(schema: S) => Schema.optionalKey(Schema.NullOr(schema));

const MetricData = Schema.Struct({
  name: maybe(Schema.String),
  success: maybe(Schema.Boolean),
  error: maybe(Schema.String),
});
const TestCase = Schema.Struct({
  name: maybe(Schema.String),
  input: maybe(Schema.String),
  actualOutput: maybe(Schema.String),
  success: maybe(Schema.Boolean),
  metricsData: maybe(Schema.Array(MetricData)),
  tags: maybe(Schema.Array(Schema.String)),
  metadata: maybe(Schema.Record(Schema.String, Schema.Unknown)),
});
type TestCase = typeof TestCase.Type;
const TestRun = Schema.Struct({
  testCases: Schema.Array(TestCase),
  conversationalTestCases: maybe(Schema.Array(TestCase)),
});

const decode = problemDecoder(TestRun, "give the JSON of a DeepEval test run");

/** DeepEval keeps the latest run inside an envelope. */
const runIn = (value: unknown): unknown =>
  typeof value === "object" && value !== null && "testRunData" in value ? value.testRunData : value;

/**
 * DeepEval test run. A case's score is the share of its metrics that succeeded: their own scores point up for some metrics
 * and down for others, their `success` always means the same. One metric in error makes the case an error.
 */
const deepEvalDocument =
  (context: ImportContext): DocumentFormat =>
  (document) =>
    Result.flatMap(
      Result.flatMap(parseDocument(document), (value) => decode(runIn(value))),
      (run) =>
        new ArmCollector(context).addAll(
          [...run.testCases, ...(run.conversationalTestCases ?? [])].map((test, i) => resultOf(test, i, context)),
        ),
    );

const resultOf = (test: TestCase, index: number, { rules }: ImportContext): Result.Result<ImportedResult, Problem> => {
  const metrics = test.metricsData ?? [];
  const caseId = caseIdOf(test);
  if (!caseId)
    return Result.fail({ field: `testCases.${index}.name`, problem: "is missing", fix: "give every test case a name" });
  const broken = metrics.find(({ error }) => error);
  const judged = metrics.filter(({ success }) => typeof success === "boolean");
  const successes = judged.filter(({ success }) => success).length;
  const passed = test.success ?? (judged.length > 0 ? successes === judged.length : undefined);
  if (!broken && passed === undefined)
    return Result.fail({
      kind: "unusable",
      field: `testCases.${index}.success`,
      problem: "is missing, and no metric has one",
      fix: "run the metrics before comparing",
    });
  const score = judged.length > 0 ? successes / judged.length : passed ? 1 : 0;
  return Result.succeed({
    arm: "results",
    caseId,
    slice: sliceBy(rules, test.metadata),
    safety: safetyBy(rules, test.metadata) ?? (test.tags?.includes("safety") ? true : undefined),
    outcome: broken ? errored(`${broken.name ?? "metric"}: ${broken.error}`) : { _tag: "Scored", score, passed },
    input: test.input ?? undefined,
    output: test.actualOutput ?? undefined,
  });
};

/** Names that DeepEval gives by position: with a case more in between, the same name means another case. */
const POSITIONAL_NAME = /^(?:conversational_)?test_case_\d+$/u;

const caseIdOf = ({ name, input }: TestCase): string | undefined =>
  name && (!POSITIONAL_NAME.test(name) || !input)
    ? name
    : input
      ? `${input.replaceAll(/\s+/gu, " ").slice(0, 60)} (${hashOf(input)})`
      : undefined;

const hashOf = (text: string): string => createHash("sha256").update(text).digest("hex").slice(0, 12);

export const deepEvalFormat: FormatReader = {
  isLikely: ({ text }) => text.startsWith("{") && hasKey(text, "testCases", "testRunData"),
  reading: (_head, context) => ({ by: "document", format: deepEvalDocument(context) }),
};
