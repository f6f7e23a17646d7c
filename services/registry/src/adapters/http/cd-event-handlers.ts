import { ApplicationName, timestampOf } from "@sluice/contracts";
import { EventStore, releaseEventOf } from "@sluice/event-store";
import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import { cdEventsOf } from "../../domain/cd-events.ts";
import { type Handler, json, query } from "./answer.ts";
import { decodeBody } from "./decode-body.ts";
import { HttpFailure } from "./http-failure.ts";

const MAX_ROWS = 1_000;

export const cdEventHandlers = {
  /** Whoever asks keeps the place: nothing is lost while it is away, and two of them do not take from each other. */
  listCdEvents: (request) =>
    Effect.gen(function* () {
      const application = query(request, "application");
      const after = wholeOf(query(request, "after") ?? "0", "after", Number.MAX_SAFE_INTEGER);
      const limit = wholeOf(query(request, "limit") ?? String(MAX_ROWS), "limit", MAX_ROWS);
      const rows = yield* (yield* EventStore).read({
        ...(application !== undefined && {
          application: decodeBody(ApplicationName, application, "query application"),
        }),
        after,
        limit: Math.max(limit, 1),
      });
      const events = rows.flatMap((row) => {
        const event = row.refusal === null ? releaseEventOf(row) : null;
        return event ? cdEventsOf(event) : [];
      });
      const at = timestampOf(yield* Clock.currentTimeMillis);
      return json({ events, next: rows.at(-1)?.position ?? after, at });
    }),
} satisfies Record<string, Handler>;

const wholeOf = (value: string, name: string, max: number): number => {
  const whole = Number(value);
  if (value !== "" && Number.isSafeInteger(whole) && whole >= 0 && whole <= max) return whole;
  throw new HttpFailure(400, "bad-request", `query ${name} is ${value}; give a whole number from 0 to ${max}`);
};
