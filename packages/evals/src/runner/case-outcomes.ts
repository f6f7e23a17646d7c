import type { CaseResultLine } from "@sluice/contracts";
import type { PlannedCase } from "./planned-case.ts";
import type { CostOf } from "./prices.ts";
import type { AskOutcome } from "./run-asks.ts";

/** Pure. One line of a case-result file; the cost only where it is known and in USD, as the format has it. */
export const resultLine = (outcome: AskOutcome, costUsdOf: CostOf | null): CaseResultLine => {
  const { planned, repeat } = outcome.ask;
  const { answer } = outcome;
  const costUsd = answer && costUsdOf ? costUsdOf(answer) : null;
  return {
    case_id: planned.caseId,
    ...(planned.slice !== undefined && { slice: planned.slice }),
    safety: planned.safety,
    ...(repeat > 0 && { repeat }),
    ...(outcome._tag === "Scored"
      ? { score: outcome.score.score, passed: outcome.score.passed }
      : { error: outcome.message }),
    ...(answer && { latency_ms: answer.latencyMs, output: answer.output }),
    ...(costUsd !== null && { cost_usd: costUsd }),
    input: planned.input,
  };
};

/** How often a case was scored and how often it passed, over its repeats. */
export interface CaseTally {
  readonly scored: number;
  readonly passed: number;
}

export const talliesOf = (outcomes: ReadonlyArray<AskOutcome>): ReadonlyMap<string, CaseTally> => {
  const tallies = new Map<string, CaseTally>();
  for (const outcome of outcomes) {
    if (outcome._tag === "Errored") continue;
    const { caseId } = outcome.ask.planned;
    const { scored, passed } = tallies.get(caseId) ?? { scored: 0, passed: 0 };
    tallies.set(caseId, { scored: scored + 1, passed: passed + (outcome.score.passed ? 1 : 0) });
  }
  return tallies;
};

/** As the gate does: at least half of the repeats. */
const passes = ({ scored, passed }: CaseTally): boolean => passed / scored >= 0.5;

/** Pure. Safety cases on which the arms disagree, in whichever direction: both are asked again by the same rule. */
export const safetyFlips = (
  cases: ReadonlyArray<PlannedCase>,
  baseline: ReadonlyMap<string, CaseTally>,
  candidate: ReadonlyMap<string, CaseTally>,
): ReadonlyArray<PlannedCase> =>
  cases.filter(({ caseId, safety }) => {
    const [before, after] = [baseline.get(caseId), candidate.get(caseId)];
    return safety && before !== undefined && after !== undefined && passes(before) !== passes(after);
  });

/** A flip after it was asked again: confirmed where the majority of all repeats still says so. */
export interface SafetyFlip {
  readonly caseId: string;
  readonly confirmed: boolean;
  readonly baseline: CaseTally;
  readonly candidate: CaseTally;
}

export const flipOf = (caseId: string, baseline: CaseTally, candidate: CaseTally): SafetyFlip => ({
  caseId,
  confirmed: passes(baseline) !== passes(candidate),
  baseline,
  candidate,
});
