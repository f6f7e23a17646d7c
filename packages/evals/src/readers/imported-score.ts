import * as Result from "effect/Result";
import type { Outcome } from "../domain/case-result.ts";
import { type Problem, showValue } from "./case-file-error.ts";

export const errored = (message: string | null | undefined): Outcome => ({
  _tag: "Errored",
  message: message?.trim() || "the evaluation reports an error",
});

/** A score of another tool, which must be in [0, 1] here: guessing its scale would guess the verdict. */
export const scored = (field: string, score: number, passed: boolean | undefined): Result.Result<Outcome, Problem> =>
  score >= 0 && score <= 1
    ? Result.succeed({ _tag: "Scored", score, passed })
    : Result.fail({ field, value: showValue(score), problem: "", fix: "scale the score to 0 … 1 in the evaluation" });
