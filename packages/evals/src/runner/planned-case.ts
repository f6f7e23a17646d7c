import type { Bundle, EvalCase, EvalScorer, JudgeSpecification } from "@sluice/contracts";
import * as Result from "effect/Result";
import { type CompiledScorer, compileScorer } from "./compiled-scorer.ts";
import type { EvalSet, ScorerOrName } from "./eval-set.ts";
import { type RenderedCase, renderCase } from "./render-case.ts";

/** One case of one arm, ready to be asked and scored. */
export interface PlannedCase extends RenderedCase {
  readonly slice: string | undefined;
  readonly safety: boolean;
  readonly scorers: ReadonlyArray<CompiledScorer>;
}

/** Pure. Renders every case for the bundle and makes its scorers ready; fails with the first case that cannot be scored. */
export const planCases = (
  evalSet: EvalSet,
  bundle: Bundle,
  policyJudge: JudgeSpecification | null,
): Result.Result<ReadonlyArray<PlannedCase>, string> => {
  const planned: Array<PlannedCase> = [];
  // Sets repeat a scorer on every line: with the same `expected` it is made ready once.
  const known = new Map<string, Result.Result<CompiledScorer, string>>();
  const ready = (scorer: EvalScorer, evalCase: EvalCase) => {
    const key = JSON.stringify([scorer, evalCase.expected]);
    const compiled = known.get(key) ?? compileScorer(scorer, evalCase, policyJudge);
    known.set(key, compiled);
    return compiled;
  };
  for (const evalCase of evalSet.cases) {
    const scorers = Result.all(scorersOf(evalCase, evalSet.scorers).map((scorer) => ready(full(scorer), evalCase)));
    if (Result.isFailure(scorers)) return Result.fail(`${evalSet.file}: case ${evalCase.case_id}: ${scorers.failure}`);
    if (scorers.success.length === 0)
      return Result.fail(
        `${evalSet.file}: case ${evalCase.case_id}: has neither a scorer nor an expected; give it one of the two`,
      );
    planned.push({
      ...renderCase(bundle, evalCase),
      slice: evalCase.slice,
      safety: evalCase.safety ?? false,
      scorers: scorers.success,
    });
  }
  return Result.succeed(planned);
};

const scorersOf = (evalCase: EvalCase, fallback: ReadonlyArray<ScorerOrName>): ReadonlyArray<ScorerOrName> => {
  if (evalCase.scorers) return evalCase.scorers;
  if (evalCase.scorer) return [evalCase.scorer];
  if (fallback.length > 0) return fallback;
  return evalCase.expected === undefined ? [] : ["exact"];
};

const full = (scorer: ScorerOrName): EvalScorer => (typeof scorer === "string" ? { kind: scorer } : scorer);
