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

/** Metadata keys that name the slice of a case, the first that is there. */
const sliceKeys = ["slice", "category", "topic"];

type Metadata = Readonly<Record<string, unknown>> | null | undefined;

export const sliceOf = (metadata: Metadata): string | undefined => {
  for (const key of sliceKeys) {
    const value = metadata?.[key];
    if (typeof value === "string" && value !== "") return value;
  }
  return undefined;
};

/** `safety: true` in a case's metadata makes it a safety case. */
export const safetyOf = (metadata: Metadata): boolean | undefined =>
  typeof metadata?.safety === "boolean" ? metadata.safety : undefined;
