import { type ReleaseEvent, releasesTopic, type Topic } from "@sluice/contracts";
import { eventIdOf } from "@sluice/release/event-id";
import { bundle, event, wayTo } from "@sluice/release/testing/samples";
import * as Schema from "effect/Schema";

/** Releases that all complete, one after the other: every event is legal, so that a fold does all its work. */
export function* releaseEvents(count: number, applications: number): Generator<ReleaseEvent> {
  let made = 0;
  for (let release = 0; made < count; release++) {
    const application = `application-${release % applications}`;
    const releaseId = `rel-${release}`;
    const registered = release < applications ? [event("ApplicationRegistered")] : [];
    for (const one of [...registered, ...wayTo(releaseId, { candidate: bundle(releaseId) }).completed]) {
      if (made++ >= count) return;
      yield { ...one, application, eventId: eventIdOf(one._tag, "bench", made) };
    }
  }
}

/** Without the check on the way out: the events are made here, and what is measured is the log. */
export const uncheckedReleases = (name: string): Topic<ReleaseEvent> => ({
  ...releasesTopic,
  name,
  schema: Schema.declare((_event): _event is ReleaseEvent => true),
});

export const quantile = (sorted: ReadonlyArray<number>, at: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * at))] ?? Number.NaN;
