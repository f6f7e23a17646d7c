import type * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import type { RenderedCase } from "./render-case.ts";

/** What came back for one request that was answered, and so is paid. */
export const Answer = Schema.Struct({
  output: Schema.String,
  inputTokens: Schema.Finite,
  outputTokens: Schema.Finite,
  /** False where the tokens are estimated from the text, because the answer did not count them. */
  counted: Schema.Boolean,
  latencyMs: Schema.Finite,
});
export type Answer = typeof Answer.Type;

/** A request without an answer. */
export class AskFailure extends Schema.TaggedError<AskFailure>()("AskFailure", {
  /**
   * `throttled`: told to come back; `transient`: may pass; `refused`: this request never will;
   * `unusable`: none will, so the run stops.
   */
  kind: Schema.Literals(["throttled", "transient", "refused", "unusable"]),
  message: Schema.String,
  retryAfterMs: Schema.NullOr(Schema.Finite),
  /** It ran into its time limit or broke off half way: it may be billed all the same. */
  maybePaid: Schema.Boolean,
}) {}

/** Where cases are asked: an endpoint or a command. One call is one request; trying again is the caller's affair. */
export interface Target {
  /** With the bundle, what an answer depends on: answers are reused where it is the same. */
  readonly identity: string;
  /** Whether an answer stands for what the target would say now, in a later run too. */
  readonly isReusable: boolean;
  readonly ask: (rendered: RenderedCase, repeat: number) => Effect.Effect<Answer, AskFailure>;
}
