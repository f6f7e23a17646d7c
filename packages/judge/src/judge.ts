import type { JudgeSpecification } from "@sluice/contracts";
import * as Context from "effect/Context";
import type * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";

/** The judge failed: there is no score, and none may be assumed. */
export class JudgeError extends Schema.TaggedError<JudgeError>()("JudgeError", { message: Schema.String }) {}

export interface Judged {
  readonly input: string;
  readonly output: string;
}

/** Scores one response in [0, 1]. Its identity is `digestOf(specification)`. */
export class Judge extends Context.Service<
  Judge,
  { readonly score: (specification: JudgeSpecification, response: Judged) => Effect.Effect<number, JudgeError> }
>()("@sluice/Judge") {}
