import * as Schema from "effect/Schema";

/** The judge failed: there is no score, and none may be assumed. */
export class JudgeError extends Schema.TaggedError<JudgeError>()("JudgeError", { message: Schema.String }) {}
