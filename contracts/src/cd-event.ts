import * as Schema from "effect/Schema";
import { Count, Timestamp } from "./primitives.ts";
import type { Route } from "./registry-api.ts";

/** A CDEvent (cdevents.dev, specification 0.4.1), for tools that know CDEvents and not Sluice. */
export const CdEvent = Schema.Struct({
  context: Schema.Struct({
    specversion: Schema.Literal("0.4.1"),
    /** Follows from the event that it tells of: equal for a repeated one. */
    id: Schema.String,
    source: Schema.String,
    type: Schema.String,
    timestamp: Schema.String,
    /** All events of one release. */
    chainId: Schema.optionalKey(Schema.String),
  }),
  subject: Schema.Struct({
    id: Schema.String,
    source: Schema.String,
    type: Schema.String,
    content: Schema.Record(Schema.String, Schema.Json),
  }),
}).annotate({ identifier: "CdEvent" });
export type CdEvent = typeof CdEvent.Type;

export const CdEventsBody = Schema.Struct({
  events: Schema.Array(CdEvent),
  /** Position of the record to ask on from with `?after=`, also where nothing was found. */
  next: Count,
  /** When this was answered. */
  at: Timestamp,
}).annotate({ identifier: "CdEventsBody" });

export const cdEventRoutes = {
  listCdEvents: {
    method: "GET",
    path: "/v1/cdevents",
    summary: "What happened to releases as CDEvents, in order, from a position of the record on",
    permission: "read",
    query: ["application", "after", "limit"],
    status: 200,
    response: CdEventsBody,
  },
} as const satisfies Record<string, Route>;
