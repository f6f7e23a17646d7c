import type { ObservationEvent } from "@sluice/contracts";

/** An observation without its payload, as JSON. */
const OBSERVATION_LENGTH = 800;
const MAX_EVENTS = 20;
/** Below what a broker takes in one request, so that one publication is one write. */
const MAX_LENGTH = 1_500_000;

/** How many of the first events go into one publication: at least one, few enough and small enough. */
export const publicationSize = (events: ReadonlyArray<ObservationEvent>): number => {
  let length = 0;
  for (const [i, event] of events.entries()) {
    length += lengthOf(event);
    if (i > 0 && (i >= MAX_EVENTS || length > MAX_LENGTH)) return i;
  }
  return events.length;
};

const lengthOf = (event: ObservationEvent): number => {
  if (event._tag === "ShadowPairRecorded") {
    return 2 * OBSERVATION_LENGTH + event.input.length + event.baseline.output.length + event.candidate.output.length;
  }
  return event.observations.reduce(
    (sum, { payload }) => sum + OBSERVATION_LENGTH + (payload ? payload.input.length + payload.output.length : 0),
    0,
  );
};
