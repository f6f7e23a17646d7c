import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import type * as Scope from "effect/Scope";
import { deterministicScore } from "./deterministic-judge.ts";
import { combined, type EnsembleSpecification } from "./ensemble.ts";
import type { Judged, JudgedPair, PairScores, ScorePair, ScoreResponse } from "./judge.ts";
import { JudgeError } from "./judge-error.ts";
import type { JudgeMemory } from "./judge-memory.ts";
import { pairQuestion, pointwiseQuestion } from "./judge-prompt.ts";
import type { JudgeSettings } from "./judge-settings.ts";
import { type AskModel, modelJudge } from "./model-judge.ts";
import { comparedInBothOrders, type PairwiseSpecification } from "./pairwise.ts";

/** A judge for every specification; its connections live as long as the scope. */
export const dispatchingJudge = Effect.fnUntraced(function* (
  settings: JudgeSettings,
): Effect.fn.Return<
  { readonly score: ScoreResponse; readonly scorePair: ScorePair },
  never,
  JudgeMemory | Scope.Scope
> {
  const ask = yield* modelJudge(settings);
  return { score: scoreBy(ask), scorePair: scorePairBy(ask) };
});

const scoreBy =
  (ask: AskModel): ScoreResponse =>
  (specification, response) => {
    switch (specification.kind) {
      case "deterministic":
        return fromResult(deterministicScore(specification, response));
      case "model":
        return ask(specification, pointwiseQuestion(specification, response));
      case "pairwise":
        return scoreBy(ask)(specification.responses, response);
      case "ensemble":
        return Effect.map(
          answersOf(specification, (member) => scoreBy(ask)(member, response)),
          (scores) => combined(specification.combine, scores),
        );
    }
  };

const scorePairBy =
  (ask: AskModel): ScorePair =>
  (specification, pair) => {
    switch (specification.kind) {
      case "pairwise":
        return comparePair(ask, specification, pair);
      case "ensemble":
        return Effect.map(
          answersOf(specification, (member) => scorePairBy(ask)(member, pair)),
          (scores) => combinedPair(specification, scores),
        );
      default:
        return byEachResponse(scoreBy(ask))(specification, pair);
    }
  };

/** Each side by itself. */
export const byEachResponse =
  (score: ScoreResponse): ScorePair =>
  (specification, { input, baseline, candidate, ...rest }) => {
    const response = (output: string): Judged => ({ input, output, ...rest });
    return Effect.all(
      { baseline: score(specification, response(baseline)), candidate: score(specification, response(candidate)) },
      { concurrency: 2 },
    );
  };

const comparePair = (ask: AskModel, specification: PairwiseSpecification, pair: JudgedPair) => {
  const { input, baseline, candidate } = pair;
  // Nobody can prefer one of two equal answers; asking costs money.
  if (baseline === candidate) return Effect.succeed<PairScores>({ baseline: 0.5, candidate: 0.5 });
  const question = (first: string, second: string) =>
    ask(specification, pairQuestion(specification, { input, first, second }));
  return Effect.map(
    Effect.all([question(baseline, candidate), question(candidate, baseline)], { concurrency: 2 }),
    ([baselineFirst, candidateFirst]) => comparedInBothOrders(baselineFirst, candidateFirst),
  );
};

const combinedPair = ({ combine }: EnsembleSpecification, scores: ReadonlyArray<PairScores>): PairScores => {
  const orders = scores.find((one) => one.orders)?.orders;
  return {
    baseline: combined(
      combine,
      scores.map(({ baseline }) => baseline),
    ),
    candidate: combined(
      combine,
      scores.map(({ candidate }) => candidate),
    ),
    ...(orders && { orders }),
  };
};

/** What the members answered, in their order; a member that fails is left out as long as enough others answer. */
const answersOf = <A>(
  { members, minAnswers = members.length }: EnsembleSpecification,
  answer: (member: EnsembleSpecification["members"][number]) => Effect.Effect<A, JudgeError>,
): Effect.Effect<ReadonlyArray<A>, JudgeError> =>
  Effect.flatMap(
    Effect.forEach(members, (member) => Effect.result(answer(member)), { concurrency: "unbounded" }),
    (results) => {
      const answers = results.flatMap((result) => (Result.isSuccess(result) ? [result.success] : []));
      const [failure] = results.flatMap((result) => (Result.isFailure(result) ? [result.failure.message] : []));
      return answers.length >= Math.min(minAnswers, members.length)
        ? Effect.succeed(answers)
        : Effect.fail(
            new JudgeError({ message: `${answers.length} of ${members.length} judges answered: ${failure ?? ""}` }),
          );
    },
  );

const fromResult = (result: Result.Result<number, string>): Effect.Effect<number, JudgeError> =>
  Result.match(result, {
    onFailure: (message) => Effect.fail(new JudgeError({ message })),
    onSuccess: (score) => Effect.succeed(score),
  });
