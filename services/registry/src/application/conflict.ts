import * as Schema from "effect/Schema";

/** The request contradicts what is known already. */
export class Conflict extends Schema.TaggedError<Conflict>()("Conflict", {
  code: Schema.String,
  message: Schema.String,
}) {}
