/** One arm's answer to one case, its repeats averaged: repeats of a case are one cluster, not more cases. */
export interface ArmOutcome {
  /** Mean score of the usable repeats, in [0, 1]. */
  readonly score: number;
  /** `passed` where the evaluation said so, else score >= 0.5. */
  readonly passed: boolean;
}

/** One case with a usable outcome in both arms. */
export interface PairedCase {
  readonly caseId: string;
  /** Null: the case belongs to no slice. */
  readonly slice: string | null;
  readonly safety: boolean;
  readonly baseline: ArmOutcome;
  readonly candidate: ArmOutcome;
}

/** A case that a judge or runner error left without a usable outcome in at least one arm: neither passed nor failed. */
export interface ErroredCase {
  readonly caseId: string;
  readonly safety: boolean;
  readonly message: string;
}

/** The canonical form of paired eval results, whatever file they came from. In the order of the baseline's file. */
export interface CaseTable {
  readonly cases: ReadonlyArray<PairedCase>;
  readonly errored: ReadonlyArray<ErroredCase>;
  /** Results (single repeats of single arms), and those of them in error: errors may not hide behind repeats. */
  readonly results: { readonly total: number; readonly errors: number };
  /** Cases that only one arm has. */
  readonly unpaired: { readonly baseline: ReadonlyArray<string>; readonly candidate: ReadonlyArray<string> };
}

/** Scores that differ by less are equal but for rounding (averages of repeats seldom agree in the last digit). */
const ROUNDING = 1e-12;

export const differenceOf = (pair: PairedCase): number => {
  const difference = pair.candidate.score - pair.baseline.score;
  return Math.abs(difference) < ROUNDING ? 0 : difference;
};
