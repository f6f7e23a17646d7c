import { existsSync } from "node:fs";
import type { GateReport, Policy, ResultRules } from "@sluice/contracts";
import {
  type ArmSource,
  type CaseFormat,
  type CasePairText,
  type CaseTable,
  type CaseTableSource,
  evaluateGate,
  fileSource,
  invalidGateReport,
  readCaseTable,
  readCaseTexts,
  redactedText,
} from "@sluice/evals";
import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import { type Exit, usageError } from "../exit.ts";
import { refuseNamedPipe } from "../file-content.ts";
import { defaultRules, type RulesOptions, readRules } from "../rules-file.ts";
import type { GateInput } from "./gate-input.ts";
import { type WorstCase, worstCases } from "./gate-worst-cases.ts";

/** What there is to report on. The table is null when the files hold no evidence. */
export interface Judged {
  readonly report: GateReport;
  readonly policy: Policy["offline"];
  readonly table: CaseTable | null;
  readonly worst: ReadonlyArray<WorstCase>;
}

export interface JudgeOptions extends RulesOptions {
  readonly format: CaseFormat | "auto";
  readonly policyFile: string | undefined;
  /** Whether the report shows inputs and outputs: they cost a second reading. */
  readonly withTexts: boolean;
}

const MAX_WORST = 20;

/**
 * Reads the files and evaluates them. Files that cannot be read or decoded end with exit code 2; files that are well-formed
 * and hold no evidence (no cases, an arm that is not there) give an `invalid` report.
 */
export const judgeFiles = Effect.fn("judgeFiles")(function* (
  input: GateInput,
  { format, policyFile, withTexts, ...rulesOptions }: JudgeOptions,
): Effect.fn.Return<Judged, Exit> {
  const rules = policyFile === undefined ? defaultRules : yield* readRules(policyFile, rulesOptions);
  const policy = rules.policy.offline;
  const source =
    "pairs" in input
      ? { pairs: fileSource(input.pairs) }
      : { baseline: armSource(input.baseline), candidate: armSource(input.candidate) };
  const sources = "pairs" in source ? [source.pairs] : [source.baseline.source, source.candidate.source];
  for (const { name } of sources) yield* refuseNamedPipe(name);
  const options = { format, rules: rules.results };
  const read = yield* Effect.result(readCaseTable(source, options));
  if (Result.isFailure(read)) {
    const { kind, message } = read.failure;
    if (kind !== "unusable") return yield* usageError(message);
    return { report: invalidGateReport("evidence", message, null), policy, table: null, worst: [] };
  }
  const table = read.success;
  const found = worstCases(table, MAX_WORST);
  const worst = withTexts ? yield* withTextsOf(found, source, options) : found;
  return { report: evaluateGate(table, policy), policy, table, worst };
});

/** Longest piece of an input or output in a report. */
const MAX_TEXT_LENGTH = 400;

const withTextsOf = Effect.fnUntraced(function* (
  worst: ReadonlyArray<WorstCase>,
  source: CaseTableSource,
  options: { readonly format: CaseFormat | "auto"; readonly rules: ResultRules },
) {
  if (worst.length === 0) return worst;
  const caseIds = worst.map(({ pair }) => pair.caseId);
  // The verdict stands without the texts, so a second reading that fails takes nothing away.
  const texts = yield* Effect.orElseSucceed(
    readCaseTexts(source, caseIds, options),
    (): ReadonlyMap<string, CasePairText> => new Map(),
  );
  const shown = (text: string | undefined) =>
    text === undefined || text === "" ? undefined : redactedText(text, options.rules, MAX_TEXT_LENGTH);
  return worst.map((entry): WorstCase => {
    const text = texts.get(entry.pair.caseId);
    return text
      ? { ...entry, input: shown(text.input), baseline: shown(text.baseline), candidate: shown(text.candidate) }
      : entry;
  });
});

/** `FILE#ARM` names an arm, unless there is a file of exactly that name. */
const armSource = (name: string): ArmSource => {
  const at = name.lastIndexOf("#");
  if (at <= 0 || existsSync(name)) return { source: fileSource(name) };
  return { source: fileSource(name.slice(0, at)), arm: name.slice(at + 1) };
};
