import type { JudgeSpecification } from "@sluice/contracts";
import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import type * as Scope from "effect/Scope";
import { deterministicScore } from "./deterministic-judge.ts";
import type { Judged } from "./judge.ts";
import { JudgeError } from "./judge-error.ts";
import type { JudgeSettings } from "./judge-settings.ts";
import { modelJudge } from "./model-judge.ts";

/** A judge for every specification; its connections live as long as the scope. */
export const dispatchingJudge = Effect.fnUntraced(function* (
  settings: JudgeSettings,
): Effect.fn.Return<
  { readonly score: (specification: JudgeSpecification, response: Judged) => Effect.Effect<number, JudgeError> },
  never,
  Scope.Scope
> {
  const scoreByModel = yield* modelJudge(settings);
  return {
    score: (specification, response) =>
      specification.kind === "model"
        ? scoreByModel(specification, response)
        : Result.match(deterministicScore(specification, response.output), {
            onFailure: (message) => Effect.fail(new JudgeError({ message })),
            onSuccess: (score) => Effect.succeed(score),
          }),
  };
});
