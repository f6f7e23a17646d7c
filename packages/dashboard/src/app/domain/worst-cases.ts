import type { CaseResultLine } from "@sluice/contracts";

export interface ArmOutcome {
  readonly score: number | null;
  readonly error: string | null;
  readonly output: string | null;
}
export interface ComparedCase {
  readonly caseId: string;
  readonly slice: string | null;
  readonly safety: boolean;
  readonly input: string | null;
  readonly baseline: ArmOutcome;
  readonly candidate: ArmOutcome;
  readonly difference: number;
}

/** One JSON object a line, as `sluice` writes them. Lines that are not such are left out: the gate has judged them already. */
export const resultLines = (text: string): ReadonlyArray<CaseResultLine> =>
  text.split("\n").flatMap((line) => {
    if (line.trim() === "") return [];
    try {
      const value: unknown = JSON.parse(line);
      const isCase =
        typeof value === "object" && value !== null && "case_id" in value && typeof value.case_id === "string";
      return isCase ? [value as CaseResultLine] : [];
    } catch {
      return [];
    }
  });

const scoreOf = ({ score, passed }: CaseResultLine): number | null => {
  if (passed !== undefined) return passed ? 1 : 0;
  return score ?? null;
};

/** Repeats of one case are averaged; the output shown is that of its worst repeat. */
const byCase = (lines: ReadonlyArray<CaseResultLine>) => {
  const cases = new Map<string, Array<CaseResultLine>>();
  for (const line of lines) cases.set(line.case_id, [...(cases.get(line.case_id) ?? []), line]);
  return cases;
};

const outcomeOf = (lines: ReadonlyArray<CaseResultLine>): ArmOutcome => {
  const scores = lines.flatMap((line) => scoreOf(line) ?? []);
  const worst = lines.toSorted((a, b) => (scoreOf(a) ?? 2) - (scoreOf(b) ?? 2))[0];
  return {
    score: scores.length > 0 ? scores.reduce((sum, score) => sum + score, 0) / scores.length : null,
    error: worst?.error ?? null,
    output: worst?.output ?? null,
  };
};

/** Cases that both arms have, the largest drops first, safety cases before others of the same drop. */
export const comparedCases = (
  baseline: ReadonlyArray<CaseResultLine>,
  candidate: ReadonlyArray<CaseResultLine>,
): ReadonlyArray<ComparedCase> => {
  const before = byCase(baseline);
  return [...byCase(candidate)]
    .flatMap(([caseId, lines]): ReadonlyArray<ComparedCase> => {
      const others = before.get(caseId);
      const [first] = lines;
      if (!others || !first) return [];
      const [old, fresh] = [outcomeOf(others), outcomeOf(lines)];
      return [
        {
          caseId,
          slice: first.slice ?? null,
          safety: first.safety === true,
          input: first.input ?? null,
          baseline: old,
          candidate: fresh,
          difference: (fresh.score ?? 0) - (old.score ?? 0),
        },
      ];
    })
    .sort(
      (a, b) => a.difference - b.difference || Number(b.safety) - Number(a.safety) || a.caseId.localeCompare(b.caseId),
    );
};
