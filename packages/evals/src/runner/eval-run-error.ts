import * as Schema from "effect/Schema";

/** Why an eval run did not start or did not end; one sentence with what, where and what to do. */
export class EvalRunError extends Schema.TaggedError<EvalRunError>()("EvalRunError", {
  /** `usage`: the input is wrong; `unreachable`: no answer is to be had; `budget`: it would cost more than is allowed. */
  kind: Schema.Literals(["usage", "unreachable", "budget"]),
  message: Schema.String,
}) {}

export const usageFault = (message: string) => new EvalRunError({ kind: "usage", message });
