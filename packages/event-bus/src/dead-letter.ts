import { type DeadLetter, deadLetterId } from "@sluice/contracts";
import type { LogRecord } from "./record.ts";

/** A record as read from the log. */
export interface StoredRecord extends LogRecord {
  readonly partition: number;
  readonly offset: number;
}

const header = {
  reason: "sluice_reason",
  topic: "sluice_topic",
  partition: "sluice_partition",
  offset: "sluice_offset",
} as const;

/** The unreadable record as it was; where it stood and why it is here are headers, as a stranger's tools expect. */
export const deadLetterRecord = (topic: string, record: StoredRecord, reason: string): LogRecord => ({
  key: record.key,
  headers: {
    ...record.headers,
    [header.reason]: reason,
    [header.topic]: topic,
    [header.partition]: String(record.partition),
    [header.offset]: String(record.offset),
  },
  value: record.value,
});

export const deadLetterOf = ({ key, headers, value }: LogRecord): DeadLetter => {
  const own: ReadonlyArray<string> = Object.values(header);
  return {
    _tag: "RecordDeadLettered",
    topic: headers[header.topic] ?? "unknown",
    partition: Number(headers[header.partition] ?? 0),
    offset: Number(headers[header.offset] ?? 0),
    key,
    headers: Object.fromEntries(Object.entries(headers).filter(([name]) => !own.includes(name))),
    value,
    reason: headers[header.reason] ?? "no reason was given",
  };
};

export const deadLetterRecordId = (topic: string, record: StoredRecord): string =>
  deadLetterId({ topic, partition: record.partition, offset: record.offset });
