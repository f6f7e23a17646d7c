import * as Effect from "effect/Effect";
import * as Tracer from "effect/Tracer";
import type { LogRecord } from "./record.ts";

/** W3C Trace Context, as the CloudEvents extension for distributed tracing puts it beside the other attributes. */
const HEADER = "ce_traceparent";

/** The records as sent by the span that publishes them; unchanged where nobody traces. */
export const traced = (records: ReadonlyArray<LogRecord>): Effect.Effect<ReadonlyArray<LogRecord>> =>
  Effect.match(Effect.currentSpan, {
    onFailure: () => records,
    onSuccess: ({ traceId, spanId, sampled }) => {
      const traceparent = `00-${traceId}-${spanId}-${sampled ? "01" : "00"}`;
      return records.map((record) => ({ ...record, headers: { ...record.headers, [HEADER]: traceparent } }));
    },
  });

/** Enough to find the senders of a batch; a span with a link for each of 500 records helps nobody. */
const MAX_LINKS = 16;

/**
 * Runs the handling of a batch as a span of its own: the child of the span that sent it, or linked to those that did where
 * there are several.
 */
export const handledIn =
  (topic: string, records: ReadonlyArray<LogRecord>) =>
  <A, E, R>(handled: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> => {
    const senders = [...new Set(records.map((record) => record.headers[HEADER] ?? ""))]
      .slice(0, MAX_LINKS)
      .flatMap(senderOf);
    const [first] = senders;
    return Effect.withSpan(handled, `handle ${topic}`, {
      kind: "consumer",
      attributes: { "messaging.destination.name": topic, "messaging.batch.message_count": records.length },
      ...(first && senders.length === 1
        ? { parent: first }
        : { root: true, links: senders.map((span) => ({ span, attributes: {} })) }),
    });
  };

/**
 * The span that a header names, if it is well-formed: `version-traceId-spanId-flags`,
 * https://www.w3.org/TR/trace-context/#traceparent-header.
 */
export const senderOf = (traceparent: string): ReadonlyArray<Tracer.ExternalSpan> => {
  const [, traceId, spanId, flags] = traceparent.match(/^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/) ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return [];
  return [Tracer.externalSpan({ traceId, spanId, sampled: (Number.parseInt(flags, 16) & 1) === 1 })];
};
