import * as Schema from "effect/Schema";
import { Count } from "./primitives.ts";
import type { Topic } from "./topics.ts";

/** A record that could not be decoded, as it was, and the sentence that says why. */
export const DeadLetter = Schema.TaggedStruct("RecordDeadLettered", {
  topic: Schema.NonEmptyString,
  partition: Count,
  offset: Count,
  key: Schema.String,
  headers: Schema.Record(Schema.String, Schema.String),
  value: Schema.String,
  reason: Schema.String,
}).annotate({ identifier: "DeadLetter" });
export type DeadLetter = typeof DeadLetter.Type;

/** Where a record stood: its identity, however often it is found to be unreadable. */
export const deadLetterId = (at: Pick<DeadLetter, "topic" | "partition" | "offset">): string =>
  `${at.topic}/${at.partition}/${at.offset}`;

/** On the log a dead letter has the key, the headers and the value of the record itself, plus `sluice_…` headers. */
export const deadLettersTopic: Topic<DeadLetter> = {
  name: "sluice.dead-letters.v1",
  schema: DeadLetter,
  // They may hold users' texts, which live no longer anywhere else; those of releases are on record.
  retention: { days: 30 },
  partitions: 1,
  keyOf: (letter) => letter.key,
  idOf: deadLetterId,
};
