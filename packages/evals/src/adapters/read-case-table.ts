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
  if ("pairs" in from) {
    const { name } = from.pairs;
    const arms = [...(yield* readCaseFile(from.pairs, options)).arms];
    const [baseline, candidate] = arms;
    if (!baseline || !candidate || arms.length > 2) return yield* notTwoArms(name, arms);
    return yield* paired(name, baseline[1], candidate[1]);
  }
  // One after the other: two files at once would double the memory of reading.
  const baseline = yield* armOf(from.baseline, options);
  const candidate = yield* armOf(from.candidate, options);
  return yield* paired(from.candidate.source.name, baseline, candidate);
});

const paired = (name: string, baseline: ArmResults, candidate: ArmResults) =>
  Effect.fromResult(Result.mapError(pairArms(baseline, candidate), (problem) => caseFileError(name, null, problem)));

const armOf = Effect.fnUntraced(function* ({ source, arm }: ArmSource, options: ReadOptions) {
  const { arms } = yield* readCaseFile(source, options);
  const names = [...arms.keys()];
  const found = arm === undefined && names.length === 1 ? arms.get(names[0] ?? "") : arms.get(arm ?? "");
  if (found) return found;
  return yield* caseFileError(source.name, null, {
    kind: "unusable",
    field: "arm",
    value: arm === undefined ? undefined : `"${arm}"`,
    problem: arm === undefined ? `is not named, and the file holds ${names.length}` : "is not in the file",
    fix: `name one as FILE#ARM (${names.join(", ")})`,
  });
});

const notTwoArms = (name: string, arms: ReadonlyArray<readonly [string, ArmResults]>): CaseFileError => {
  const names = arms.map(([arm]) => arm).join(", ");
  return caseFileError(name, null, {
    kind: "unusable",
    problem: `holds ${arms.length} ${arms.length === 1 ? "arm" : "arms"} (${names}) where --pairs needs two`,
    fix: "give two files, --baseline FILE --candidate FILE, naming an arm as FILE#ARM where a file holds several",
  });
};
