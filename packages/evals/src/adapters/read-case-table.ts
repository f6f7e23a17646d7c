import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import type { ArmResults } from "../domain/arm-results.ts";
import type { CaseTable } from "../domain/case-table.ts";
import { pairArms } from "../domain/pair-arms.ts";
import type { ByteSource } from "../readers/byte-source.ts";
import { type CaseFileError, caseFileError } from "../readers/case-file-error.ts";
import { type ReadOptions, readCaseFile } from "./read-case-file.ts";

/** Where the two arms are: in one file, or in two. Of a file with several arms, `arm` names the one to take. */
export type CaseTableSource =
  | { readonly pairs: ByteSource }
  | { readonly baseline: ArmSource; readonly candidate: ArmSource };

export interface ArmSource {
  readonly source: ByteSource;
  readonly arm?: string | undefined;
}

/** Reads both arms and pairs them by case. */
export const readCaseTable = Effect.fn("readCaseTable")(function* (
  from: CaseTableSource,
  options: ReadOptions = {},
): Effect.fn.Return<CaseTable, CaseFileError> {
  const { baseline, candidate } = yield* readArms(from, options);
  const { name } = "pairs" in from ? from.pairs : from.candidate.source;
  const paired = pairArms(baseline, candidate);
  if (Result.isFailure(paired)) return yield* caseFileError(name, null, paired.failure);
  return paired.success;
});

/** What a case was asked, and what both arms answered. */
export interface CasePairText {
  readonly input: string | undefined;
  readonly baseline: string | undefined;
  readonly candidate: string | undefined;
}

/**
 * The inputs and outputs of a few cases, as they are: redact before showing them. A second reading of the files, because
 * which cases are worth showing is known only after the first, and the texts of all would not fit.
 */
export const readCaseTexts = Effect.fn("readCaseTexts")(function* (
  from: CaseTableSource,
  caseIds: ReadonlyArray<string>,
  options: ReadOptions = {},
): Effect.fn.Return<ReadonlyMap<string, CasePairText>, CaseFileError> {
  const { baseline, candidate } = yield* readArms(from, { ...options, wanted: new Set(caseIds) });
  return new Map(
    caseIds.map((caseId) => {
      const old = baseline.texts.get(caseId);
      const fresh = candidate.texts.get(caseId);
      return [caseId, { input: old?.input ?? fresh?.input, baseline: old?.output, candidate: fresh?.output }];
    }),
  );
});

const readArms = Effect.fnUntraced(function* (from: CaseTableSource, options: ReadOptions) {
  if ("pairs" in from) {
    const arms = [...(yield* readCaseFile(from.pairs, options)).arms];
    const [baseline, candidate] = arms;
    if (!baseline || !candidate || arms.length > 2) return yield* notTwoArms(from.pairs.name, arms);
    return { baseline: baseline[1], candidate: candidate[1] };
  }
  // One after the other: two files at once would double the memory of reading.
  const baseline = yield* armOf(from.baseline, options);
  return { baseline, candidate: yield* armOf(from.candidate, options) };
});

const armOf = Effect.fnUntraced(function* ({ source, arm }: ArmSource, options: ReadOptions) {
  const { arms } = yield* readCaseFile(source, options);
  const names = [...arms.keys()];
  const found =
    arm === undefined && names.length === 1 ? arms.get(names[0] ?? "") : arms.get(armNamed(arm, names) ?? "");
  if (found) return found;
  const fix = `name one as FILE#ARM, by name or number (${numbered(names)})`;
  return yield* caseFileError(
    source.name,
    null,
    arm === undefined
      ? { field: "arm", problem: `is not named, and the file holds ${names.length}`, fix }
      : { kind: "unusable", field: "arm", value: `"${arm}"`, problem: "is not in the file", fix },
  );
});

/** Names of arms may be whole prompts: the number, from 1, will do as well. */
const armNamed = (arm: string | undefined, names: ReadonlyArray<string>): string | undefined =>
  arm === undefined || names.includes(arm) ? arm : /^\d{1,4}$/u.test(arm) ? names[Number(arm) - 1] : undefined;

const numbered = (names: ReadonlyArray<string>): string => names.map((name, i) => `${i + 1}: ${name}`).join(", ");

const notTwoArms = (name: string, arms: ReadonlyArray<readonly [string, ArmResults]>): CaseFileError =>
  caseFileError(name, null, {
    // One arm is too little evidence; more than two are a question of which.
    kind: arms.length < 2 ? "unusable" : "malformed",
    problem: `holds ${arms.length} ${arms.length === 1 ? "arm" : "arms"} (${numbered(arms.map(([arm]) => arm))}) where --pairs needs two`,
    fix: "give --baseline FILE --candidate FILE, naming an arm as FILE#ARM where a file holds several",
  });
