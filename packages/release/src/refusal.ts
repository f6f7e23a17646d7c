import * as Result from "effect/Result";

/** Why an event is not legal in the state it met: the same answer in every service that folds the log. */
export interface Refusal {
  readonly _tag: "Refusal";
  readonly code:
    | "duplicate"
    | "unknown-application"
    | "already-registered"
    | "unknown-release"
    | "release-exists"
    | "release-ended"
    | "another-release-active"
    | "queue-full"
    | "wrong-role"
    | "separation-of-duty"
    | "second-approver"
    | "incident-required"
    | "override-expired"
    | "wrong-phase"
    | "wrong-step"
    | "hold-not-over"
    | "not-held"
    | "paused"
    | "not-paused"
    | "frozen"
    | "already-frozen"
    | "not-frozen"
    | "reserved-name"
    | "unknown-bundle"
    | "same-bundle"
    | "unknown-page"
    | "unknown-erasure";
  readonly sentence: string;
}

export const refusal = (code: Refusal["code"], sentence: string): Refusal => ({ _tag: "Refusal", code, sentence });

export const refuse = (code: Refusal["code"], sentence: string): Result.Result<never, Refusal> =>
  Result.fail(refusal(code, sentence));
