/** One result of one arm as a reader hands it over: checked, but not yet averaged over repeats. */
export interface CaseResult {
  readonly caseId: string;
  readonly repeat: number;
  /** Undefined where this result does not say; another repeat or arm may. */
  readonly slice: string | undefined;
  readonly safety: boolean | undefined;
  readonly outcome: Outcome;
  /** What was asked and answered, where the format has it; kept only for cases that were asked for. */
  readonly input?: string | undefined;
  readonly output?: string | undefined;
}

/** Passed, failed, or in error: the third state is no score. */
export type Outcome =
  | { readonly _tag: "Scored"; readonly score: number; readonly passed: boolean | undefined }
  | { readonly _tag: "Errored"; readonly message: string };
