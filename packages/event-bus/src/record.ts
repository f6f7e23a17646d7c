import { type Topic, timestampOf } from "@sluice/contracts";
import * as Result from "effect/Result";
import * as Schema from "effect/Schema";

/** A record as it is on the log: CloudEvents 1.0 in Kafka's binary mode (attributes as `ce_*` headers, data as value). */
export interface LogRecord {
  readonly key: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly value: string;
}

/** Larger events are refused: evidence above this belongs into the artifact store. */
export const MAX_RECORD_BYTES = 4 * 1_024 * 1_024;

type AnyEvent = { readonly _tag: string };

/** Type of an event on the wire, such as `sluice.releases.v1.ShadowPassed`. */
export const cloudEventType = (topic: { readonly name: string }, event: AnyEvent): string =>
  `${topic.name}.${event._tag}`;

/** Throws when the event does not fit its own schema: a programmer error. */
export const encodeRecord = <Event extends AnyEvent>(topic: Topic<Event>, event: Event): LogRecord => {
  const data = Schema.encodeSync(topic.schema)(event);
  const key = topic.keyOf(event);
  const at = "at" in event && typeof event.at === "string" ? event.at : timestampOf(Date.now());
  return {
    key,
    headers: {
      ce_specversion: "1.0",
      ce_id: topic.idOf(event),
      ce_source: "/sluice",
      ce_type: cloudEventType(topic, event),
      ce_time: at,
      ce_subject: "releaseId" in event && typeof event.releaseId === "string" ? event.releaseId : key,
      ce_partitionkey: key,
      "content-type": "application/json",
    },
    value: JSON.stringify(data),
  };
};

/** The event, or one sentence that says why the record is none: such a record goes to the dead letters. */
export const decodeRecord = <Event extends AnyEvent>(
  topic: Topic<Event>,
  record: { readonly value: string | null },
): Result.Result<Event, string> => {
  if (record.value === null) return Result.fail("the record has no value");
  let data: unknown;
  try {
    data = JSON.parse(record.value);
  } catch {
    return Result.fail(`the value is not JSON (${record.value.length} characters)`);
  }
  return Result.mapError(Schema.decodeUnknownResult(topic.schema)(data), (error) =>
    String(error.message).replaceAll(/\s*\n\s*/g, " "),
  );
};
