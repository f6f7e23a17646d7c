import * as Schema from "effect/Schema";
import { DeadLetter } from "./dead-letter.ts";
import { Count } from "./primitives.ts";

/** A dead letter as operators see it: where it stood and why it is here, without its contents. */
export const DeadLetterBody = Schema.Struct({
  /** `topic/partition/offset`. */
  id: Schema.NonEmptyString,
  topic: DeadLetter.fields.topic,
  partition: Count,
  offset: Count,
  key: Schema.String,
  /** Its CloudEvents id and type, where it said them. */
  eventId: Schema.NullOr(Schema.String),
  type: Schema.NullOr(Schema.String),
  bytes: Count,
  reason: Schema.String,
  /** Whether this version can read it: then a replay makes it count. */
  readable: Schema.Boolean,
}).annotate({ identifier: "DeadLetterBody" });
export type DeadLetterBody = typeof DeadLetterBody.Type;

export const DeadLettersBody = Schema.Struct({ deadLetters: Schema.Array(DeadLetterBody) }).annotate({
  identifier: "DeadLettersBody",
});

export const ReplayDeadLetterBody = Schema.Struct({ id: DeadLetterBody.fields.id }).annotate({
  identifier: "ReplayDeadLetterBody",
});

export const deadLetterRoutes = {
  listDeadLetters: {
    method: "GET",
    path: "/v1/dead-letters",
    summary: "Records that some service could not read, and why",
    permission: "operate",
    status: 200,
    response: DeadLettersBody,
  },
  replayDeadLetter: {
    method: "POST",
    path: "/v1/dead-letters/replay",
    summary: "Publish a dead letter again, at the end of its topic, if it can be read by now",
    permission: "operate",
    request: ReplayDeadLetterBody,
    status: 200,
    response: DeadLetterBody,
  },
} as const;
