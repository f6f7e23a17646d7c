import { type CaseResultLine as CaseLine, CaseResultLine, PairedResultLine } from "@sluice/contracts/case-result";
import * as Result from "effect/Result";
import { ArmResults } from "../../domain/arm-results.ts";
import type { CaseResult, Outcome } from "../../domain/case-result.ts";
import type { Problem } from "../case-file-error.ts";
import { type FileHead, type FormatReader, hasKey } from "../file-head.ts";
import type { ImportContext } from "../import-context.ts";
import { parseJson, problemDecoder } from "../json-line.ts";
import type { LineFormat } from "../parsed-file.ts";

type OutcomeFields = Pick<CaseLine, "score" | "passed" | "error">;

/** A case is in error, or has a score, or at least a verdict (then it scores 1 or 0). */
const outcomeOf = (fields: OutcomeFields, prefix: string): Result.Result<Outcome, Problem> => {
  const { score, passed, error } = fields;
  if (typeof error === "string" && error.trim() !== "") return Result.succeed({ _tag: "Errored", message: error });
  if (score !== undefined) return Result.succeed({ _tag: "Scored", score, passed });
  if (passed !== undefined) return Result.succeed({ _tag: "Scored", score: passed ? 1 : 0, passed });
  return Result.fail({
    field: `${prefix}score`,
    problem: "is missing",
    fix: "give score (0 to 1), passed (true or false), or error where there is neither",
  });
};

type About = Pick<CaseLine, "case_id" | "repeat" | "slice" | "safety" | "input">;
type Output = CaseLine["output"];

const add = (arm: ArmResults, about: About, outcome: Outcome, output: Output): Problem | undefined => {
  const result: CaseResult = {
    caseId: about.case_id,
    repeat: about.repeat ?? 0,
    slice: about.slice,
    safety: about.safety,
    outcome,
    input: about.input ?? undefined,
    output: output ?? undefined,
  };
  return Result.match(arm.add(result), { onSuccess: () => undefined, onFailure: (problem) => problem });
};

const problemOf = <A>(result: Result.Result<A, Problem>, use: (value: A) => Problem | undefined): Problem | undefined =>
  Result.match(result, { onSuccess: use, onFailure: (problem) => problem });

const decodeCase = problemDecoder(CaseResultLine);
const decodePair = problemDecoder(PairedResultLine);

/**
 * When only a few cases are wanted, tells lines that may be about them, so that a second reading need not parse the rest.
 * Undefined when none are asked for, or when an id could be written in more than one way.
 */
const mentioning = (wanted: ReadonlySet<string>): ((text: string) => boolean) | undefined => {
  const ids = [...wanted];
  if (ids.length === 0 || !ids.every((id) => /^[ -!#-[\]-~]+$/u.test(id))) return undefined;
  const pattern = new RegExp(ids.map((id) => `"${id.replaceAll(/[\^$.*+?()[\]{}|/]/gu, "\\$&")}"`).join("|"), "u");
  return (text) => pattern.test(text);
};

/** Sluice JSONL, one arm: one result a line. */
export const sluiceLines =
  ({ wanted }: ImportContext): LineFormat =>
  () => {
    const arm = new ArmResults(wanted);
    const mayMatter = mentioning(wanted);
    return {
      onLine: (text) =>
        mayMatter?.(text) === false
          ? undefined
          : problemOf(Result.flatMap(parseJson(text), decodeCase), (line) =>
              problemOf(outcomeOf(line, ""), (outcome) => add(arm, line, outcome, line.output)),
            ),
      size: () => arm.clusters.size,
      finish: () => Result.succeed({ arms: new Map([["results", arm]]) }),
    };
  };

/** Sluice paired JSONL: both arms of one case a line. */
export const sluicePairLines =
  ({ wanted }: ImportContext): LineFormat =>
  () => {
    const baseline = new ArmResults(wanted);
    const candidate = new ArmResults(wanted);
    const mayMatter = mentioning(wanted);
    return {
      onLine: (text) =>
        mayMatter?.(text) === false
          ? undefined
          : problemOf(
              Result.flatMap(parseJson(text), decodePair),
              (line) =>
                problemOf(outcomeOf(line.baseline, "baseline."), (outcome) =>
                  add(baseline, line, outcome, line.baseline.output),
                ) ??
                problemOf(outcomeOf(line.candidate, "candidate."), (outcome) =>
                  add(candidate, line, outcome, line.candidate.output),
                ),
            ),
      size: () => baseline.clusters.size,
      finish: () =>
        Result.succeed({
          arms: new Map([
            ["baseline", baseline],
            ["candidate", candidate],
          ]),
        }),
    };
  };

const isPair = (head: FileHead): boolean => hasKey(head.firstLine, "baseline", "candidate");

export const sluiceFormat: FormatReader = {
  isLikely: (head) =>
    head.firstLine.startsWith("{") && (isPair(head) || hasKey(head.firstLine, "case_id", "score", "passed")),
  reading: (head, context) => ({ by: "lines", format: (isPair(head) ? sluicePairLines : sluiceLines)(context) }),
};
