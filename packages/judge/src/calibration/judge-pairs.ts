import type { JudgeSpecification } from "@sluice/contracts";
import * as Effect from "effect/Effect";
import { Judge, type PairScores } from "../judge.ts";
import type { LabelledPair, PairToJudge, Preference } from "./labelled-pair.ts";

/**
 * Asks a judge about pairs that people have labelled, in their order; at most `concurrency` at a time. The higher score is the
 * verdict, equal ones are a tie. A failure is no verdict: `failures` has one sentence for each.
 */
export const judgePairs = Effect.fn("judgePairs")(function* (
  specification: JudgeSpecification,
  pairs: ReadonlyArray<PairToJudge>,
  concurrency: number,
) {
  const judge = yield* Judge;
  const failures: Array<string> = [];
  const judged = yield* Effect.forEach(
    pairs,
    ({ caseId, human, ...pair }) =>
      judge.scorePair(specification, pair).pipe(
        Effect.map((scores): LabelledPair => ({ caseId, human, ...verdictOf(scores) })),
        Effect.catch(({ message }) =>
          Effect.sync((): LabelledPair => {
            failures.push(`${caseId}: ${message}`);
            return { caseId, human, judge: null };
          }),
        ),
      ),
    { concurrency },
  );
  return { judged, failures };
});

const verdictOf = ({ baseline, candidate, orders }: PairScores): Omit<LabelledPair, "caseId" | "human"> => {
  const judge: Preference = candidate > baseline ? "candidate" : candidate < baseline ? "baseline" : "tie";
  return orders ? { judge, judgeAsShown: orders.baselineFirst, judgeSwapped: orders.candidateFirst } : { judge };
};
