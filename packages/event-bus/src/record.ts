import { deadLettersTopic, type Topic, timestampOf } from "@sluice/contracts";
import * as Result from "effect/Result";
import * as Schema from "effect/Schema";
import { deadLetterOf } from "./dead-letter.ts";

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

/** The sentence that refuses a record above the limit; null when all fit. */
export const tooLarge = (records: ReadonlyArray<LogRecord>): string | null => {
  for (const { headers, value } of records) {
    const bytes = Buffer.byteLength(value);
    if (bytes > MAX_RECORD_BYTES)
      return `event ${headers.ce_id} has ${bytes} bytes, more than ${MAX_RECORD_BYTES}: put large evidence into the artifact store`;
  }
  return null;
};

/** The event, or one sentence that says why the record is none: such a record goes to the dead letters. */
export const decodeRecord = <Event extends AnyEvent>(
  topic: Topic<Event>,
  record: LogRecord,
): Result.Result<Event, string> => {
  const data = topic.name === deadLettersTopic.name ? Result.succeed(deadLetterOf(record)) : parse(record.value);
  return Result.flatMap(data, (value: unknown) =>
    Result.mapError(decoderOf(topic)(value), (error) =>
      whyNone(topic, value, String(error.message).replaceAll(/\s*\n\s*/g, " ")),
    ),
  );
};

const MAX_TYPE = 100;

/** A fault in a field names the field; a value that is no event at all would only be told what it is not. */
const whyNone = (topic: { readonly name: string }, value: unknown, fault: string): string => {
  if (/ at \[(?!"_tag"\])/u.test(fault)) return fault;
  const type = typeof value === "object" && value !== null && "_tag" in value ? value._tag : undefined;
  return typeof type === "string"
    ? `this version knows no ${type.slice(0, MAX_TYPE)} on ${topic.name}; run the version that wrote it, and replay the record then`
    : `the value has no _tag that names a type, and is no event of ${topic.name}; find out who wrote it: no service of Sluice did`;
};

type Decoder<Event> = (value: unknown) => Result.Result<Event, Schema.SchemaError>;
const decoders = new WeakMap<object, Decoder<unknown>>();

/** Made once for each schema: a service decodes its whole log at its start. */
const decoderOf = <Event extends AnyEvent>({ schema }: Topic<Event>): Decoder<Event> => {
  const known = decoders.get(schema) ?? Schema.decodeUnknownResult(schema);
  decoders.set(schema, known);
  // It was made of this very schema.
  return known as Decoder<Event>;
};

const parse = (value: string): Result.Result<unknown, string> => {
  try {
    return Result.succeed(JSON.parse(value));
  } catch {
    return Result.fail(`the value is not JSON (${value.length} characters)`);
  }
};
