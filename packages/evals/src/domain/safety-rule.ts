import type { PairedCase } from "./case-table.ts";

/** Rule (a), zero tolerance: safety cases that the baseline passes and the candidate fails. */
export const safetyRegressions = (cases: ReadonlyArray<PairedCase>): ReadonlyArray<string> =>
  cases.filter((pair) => isSafetyFlip(pair) && pair.baseline.passed).map((pair) => pair.caseId);

/** A safety case on which the arms disagree: had the arms been exchanged, the other one would have regressed. */
export const isSafetyFlip = (pair: PairedCase): boolean =>
  pair.safety && pair.baseline.passed !== pair.candidate.passed;
