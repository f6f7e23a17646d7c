import { type ReleaseEvent, releasesTopic, type Timestamp } from "@sluice/contracts";
import { EventBus } from "@sluice/event-bus";
import { ReleaseLog } from "@sluice/release-log";
import * as Effect from "effect/Effect";
import { application } from "./controlled-stack.fixture.ts";

/** Everything on the log, as its readers see it: refused events included. */
export const recorded = Effect.gen(function* () {
  const bus = yield* EventBus;
  const events: Array<ReleaseEvent> = [];
  yield* bus.follow(releasesTopic, (batch) =>
    Effect.sync(() => {
      events.push(...batch.map(({ event }) => event));
    }),
  );
  return events;
});

export const afterShadow = (events: ReadonlyArray<ReleaseEvent>): ReadonlyArray<string> =>
  events
    .slice(events.findIndex(({ _tag }) => _tag === "ShadowPassed") + 1)
    // That a release has ended is told on the side, whenever its channel takes it.
    .filter(({ _tag }) => _tag !== "NoticeSent")
    .map(inWords);

const inWords = (event: ReleaseEvent): string => {
  switch (event._tag) {
    case "CanaryStepStarted":
    case "CanaryStepPassed":
      return `${event._tag} ${event.step}`;
    case "CanaryHeld":
    case "CanaryBreached":
      return `${event._tag} ${event.cause}`;
    default:
      return event._tag;
  }
};

export const find = <Tag extends ReleaseEvent["_tag"]>(events: ReadonlyArray<ReleaseEvent>, tag: Tag) => {
  const found = events.find((event): event is Extract<ReleaseEvent, { _tag: Tag }> => event._tag === tag);
  if (!found) throw new Error(`no ${tag} in ${events.map(inWords).join()}`);
  return found;
};
export const secondsBetween = (from: Timestamp, to: Timestamp): number => (Date.parse(to) - Date.parse(from)) / 1_000;
export const active = Effect.map(ReleaseLog, (log) => log.applications().get(application)?.active ?? null);
