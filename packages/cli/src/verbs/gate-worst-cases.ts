import { type CaseTable, differenceOf, type PairedCase } from "@sluice/evals";

export interface WorstCase {
  readonly pair: PairedCase;
  readonly difference: number;
  readonly regressedSafety: boolean;
  /** Redacted and cut; left out where the file has none. */
  readonly input?: string | undefined;
  readonly baseline?: string | undefined;
  readonly candidate?: string | undefined;
}

/** The cases to look at, worst first: safety regressions, then by how far the score fell. None that did not fall. */
export const worstCases = (table: CaseTable, limit: number): ReadonlyArray<WorstCase> => {
  const down: Array<WorstCase> = [];
  for (const pair of table.cases) {
    const regressedSafety = pair.safety && pair.baseline.passed && !pair.candidate.passed;
    const difference = differenceOf(pair);
    if (regressedSafety || difference < 0) down.push({ pair, difference, regressedSafety });
  }
  return down
    .sort(
      (a, b) =>
        Number(b.regressedSafety) - Number(a.regressedSafety) ||
        a.difference - b.difference ||
        (a.pair.caseId < b.pair.caseId ? -1 : 1),
    )
    .slice(0, limit);
};
