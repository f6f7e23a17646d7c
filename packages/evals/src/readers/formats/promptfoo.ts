import { digestOf } from "@sluice/contracts/digest";
import * as Result from "effect/Result";
import type { Outcome } from "../../domain/case-result.ts";
import { safetyBy, sliceBy } from "../../domain/result-rules.ts";
import { ArmCollector, type ImportedResult } from "../arm-collector.ts";
import { type Problem, showValue } from "../case-file-error.ts";
import { type FileHead, type FormatReader, hasKey } from "../file-head.ts";
import type { ImportContext } from "../import-context.ts";
import { errored, scored } from "../imported-score.ts";
import { parseDocument } from "../json-document.ts";
import { parseJson, problemDecoder } from "../json-line.ts";
import type { DocumentFormat, LineFormat, Parsed } from "../parsed-file.ts";
import { armNames } from "./promptfoo-arms.ts";
import { EvaluateResult, OutputFile, type Prompt } from "./promptfoo-schema.ts";

const decodeFile = problemDecoder(OutputFile, "give the JSON that promptfoo eval --output writes");
const decodeResult = problemDecoder(EvaluateResult, "give the JSONL that promptfoo eval --output writes");

/** `failureReason` of an evaluation whose provider or grader failed. */
const ERROR_REASON = 2;

const promptfooDocument =
  (context: ImportContext): DocumentFormat =>
  (document) =>
    Result.flatMap(
      Result.flatMap(parseDocument(document), decodeFile),
      ({ results: { version, prompts, table, results } }): Parsed => {
        if (version !== undefined && version !== 2 && version !== 3)
          return Result.fail({
            field: "results.version",
            value: showValue(version),
            problem: "",
            fix: "export with a promptfoo that writes version 2 or 3",
          });
        const numbered = results.every(({ promptIdx }) => promptIdx !== undefined);
        // Version 2 numbers prompts and tests by their place in the table.
        const rows = numbered || !table ? results : tableResults(table);
        return imported(rows, prompts ?? table?.head.prompts ?? [], context);
      },
    );

const tableResults = (table: NonNullable<typeof OutputFile.Type.results.table>): ReadonlyArray<EvaluateResult> =>
  table.body.flatMap(({ outputs, test }, testIdx) =>
    outputs.map((output, promptIdx) => ({
      promptIdx,
      testIdx,
      success: output.pass,
      score: output.score,
      failureReason: output.failureReason,
      error: output.error,
      gradingResult: output.gradingResult,
      testCase: test,
      response: { output: output.text },
    })),
  );

/** promptfoo JSONL: the same results, one a line. */
const promptfooLines =
  (context: ImportContext): LineFormat =>
  () => {
    const results: Array<EvaluateResult> = [];
    return {
      onLine: (text) => {
        const line = Result.flatMap(parseJson(text), decodeResult);
        if (Result.isFailure(line)) return line.failure;
        results.push(line.success);
        return undefined;
      },
      size: () => results.length,
      finish: () => imported(results, [], context),
    };
  };

const imported = (
  results: ReadonlyArray<EvaluateResult>,
  prompts: ReadonlyArray<Prompt>,
  context: ImportContext,
): Parsed => {
  const nameOf = armNames(results, prompts);
  const collector = new ArmCollector(context);
  // Lazily, because whether a cached result is a repeat depends on those before it.
  const imports = function* () {
    // Results stand in the order in which calls returned; arms are meant in the order of the prompts.
    const ordered = [...results.entries()].sort(([, a], [, b]) => (a.promptIdx ?? 0) - (b.promptIdx ?? 0));
    for (const [i, result] of ordered) {
      const arm = nameOf(result);
      const caseId = caseIdOf(result);
      // A repeat that came from the cache is the same answer again, not another sample.
      if (result.response?.cached && collector.has(arm, caseId)) continue;
      yield Result.map(
        outcomeOf(result, i),
        (outcome): ImportedResult => ({ arm, caseId, ...about(result, context), outcome }),
      );
    }
  };
  return collector.addAll(imports());
};

/** The test's own id; else what it is about and a hash of what it asks, so that reordering tests changes nothing. */
const caseIdOf = ({ testCase, vars }: EvaluateResult): string => {
  const given = testCase?.metadata?.id;
  if (typeof given === "string" && given !== "") return given;
  // Runtime variables (their names begin with _) differ from run to run.
  const asked = Object.entries(testCase?.vars ?? vars ?? {}).filter(([name]) => !name.startsWith("_"));
  const hash = digestOf({ vars: Object.fromEntries(asked), assert: testCase?.assert ?? null }).slice(7, 19);
  return testCase?.description ? `${testCase.description.slice(0, 80)} (${hash})` : hash;
};

const about = (
  { testCase, metadata, prompt, response }: EvaluateResult,
  { rules }: ImportContext,
): Pick<ImportedResult, "slice" | "safety" | "input" | "output"> => {
  const plugin = [metadata?.pluginId, testCase?.metadata?.pluginId].find((id) => typeof id === "string");
  const isSafety = plugin !== undefined || hasSafetyAssertion(testCase?.assert);
  return {
    slice: sliceBy(rules, testCase?.metadata) ?? (typeof plugin === "string" ? plugin : undefined),
    safety: safetyBy(rules, testCase?.metadata) ?? (isSafety ? true : undefined),
    input: prompt?.raw ?? undefined,
    output: textOf(response?.output),
  };
};

const textOf = (output: unknown): string | undefined =>
  output === undefined || output === null || typeof output === "string"
    ? (output ?? undefined)
    : JSON.stringify(output);

/** Assertions that are about safety whatever the test says of itself. */
const safetyAssertions = new Set(["moderation", "guardrails", "is-refusal"]);

const hasSafetyAssertion = (assertions: unknown): boolean =>
  Array.isArray(assertions) &&
  assertions.some(
    (assertion) =>
      typeof assertion === "object" &&
      assertion !== null &&
      (safetyAssertions.has(String(Reflect.get(assertion, "type"))) ||
        hasSafetyAssertion(Reflect.get(assertion, "assert"))),
  );

const outcomeOf = (result: EvaluateResult, index: number): Result.Result<Outcome, Problem> => {
  const { failureReason, error, response, gradingResult, success, score } = result;
  const toolFailed =
    failureReason === undefined || failureReason === null
      ? Boolean(response?.error) || (Boolean(error) && !gradingResult)
      : failureReason === ERROR_REASON;
  if (toolFailed || hasGraderError(gradingResult)) return Result.succeed(errored(error));
  return scored(`results.results.${index}.score`, score ?? (success ? 1 : 0), success);
};

/** How deep assertion sets may be nested before they are not looked into any more. */
const MAX_DEPTH = 20;

/** A grader that could not grade, anywhere below: a `not-` assertion would turn its outage into a pass. */
const hasGraderError = (grading: unknown, depth = 0): boolean => {
  if (typeof grading !== "object" || grading === null || depth > MAX_DEPTH) return false;
  const metadata: unknown = Reflect.get(grading, "metadata");
  if (typeof metadata === "object" && metadata !== null && Reflect.get(metadata, "graderError")) return true;
  const parts: unknown = Reflect.get(grading, "componentResults");
  return Array.isArray(parts) && parts.some((part) => hasGraderError(part, depth + 1));
};

/** A document begins with its own keys; a line of JSONL is one result. */
const isLine = ({ firstLine }: FileHead): boolean =>
  hasKey(firstLine, "promptIdx") && hasKey(firstLine, "testIdx") && !/^\{\s*"(?:evalId|results)"/u.test(firstLine);

export const promptfooFormat: FormatReader = {
  isLikely: (head) =>
    head.text.startsWith("{") &&
    (isLine(head) ||
      hasKey(head.text, "evalId") ||
      (hasKey(head.text, "results") && hasKey(head.text, "prompts", "table", "promptIdx"))),
  reading: (head, context) =>
    isLine(head)
      ? { by: "lines", format: promptfooLines(context) }
      : { by: "document", format: promptfooDocument(context) },
};
