import type { ArmWindow, CanaryWindow, UnitCounts } from "@sluice/contracts";

/**
 * What the arms are compared on: conversations (else users, else requests), each counted once, by its first request on the
 * arm in the step. Requests of one conversation fail together, so a test that counts them takes one bad conversation for
 * many pieces of evidence and alarms on healthy releases (docs/statistics.md, decision 0019).
 *
 * Each step counts anew, so that a fault that begins later is seen on those who were there before as well. The price: a user
 * who comes back in every step counts up to once a step, and twice in one whose share settles between two requests; and
 * a fault that only later requests of a conversation meet is seen by the ceilings and in the next step, not before.
 */
export const unitsOf = (arm: ArmWindow): UnitCounts => arm.units ?? requestsOf(arm);

/** Every request of the arm, whosever it was: what users meet, and so what ceilings limit. */
export const requestsOf = ({ requests, errors, answered, refusals, latencyBins }: ArmWindow): UnitCounts => ({
  n: requests,
  errors,
  answered,
  refusals,
  latencyBins,
});

/** What the units of these windows are called: where no conversation or user had a second request, they are requests. */
export const unitName = (windows: ReadonlyArray<CanaryWindow>): "conversations" | "requests" =>
  windows.some(({ baseline, candidate }) => baseline.units || candidate.units) ? "conversations" : "requests";
