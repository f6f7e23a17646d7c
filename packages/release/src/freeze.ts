import type { ApplicationName, FreezeScope, ReleaseEvent, ReleaseEventOf, Timestamp } from "@sluice/contracts";
import { EVERY_APPLICATION } from "@sluice/contracts";
import * as Result from "effect/Result";
import type { ApplicationState, Freeze, Release } from "./application-state.ts";
import type { ReleaseCommand } from "./command.ts";
import { eventIdOf } from "./event-id.ts";
import { type Refusal, refuse } from "./refusal.ts";

type Applied = Result.Result<ApplicationState, Refusal>;

/** So many at once are a mistake, and the state must not grow with it. */
export const MAX_FREEZES = 20;

/** What a freeze forbids: a candidate's way to more users. Verdicts against it, aborts and rollbacks stay legal. */
const forbiddenWhileFrozen: ReadonlySet<ReleaseEvent["_tag"]> = new Set([
  "CanaryStepStarted",
  "CanaryStepPassed",
  "ReleaseCompleted",
  // A hold that is skipped now would be over at the moment of the thaw, when nobody thinks of it any more.
  "HoldSkipped",
]);

/** An emergency stop also ends the mirroring: no candidate is asked for anything. */
const forbiddenWhileStopped: ReadonlySet<ReleaseEvent["_tag"]> = new Set([...forbiddenWhileFrozen, "ShadowStarted"]);

export const isStopped = (state: ApplicationState): boolean => state.freezes.some(({ stop }) => stop);

/** The freeze that forbids this event; undefined when none does. */
export const freezeAgainst = (state: ApplicationState, tag: ReleaseEvent["_tag"]): Freeze | undefined =>
  state.freezes.find(({ stop }) => (stop ? forbiddenWhileStopped : forbiddenWhileFrozen).has(tag));

/** In words: what it is, by whom, and until when. */
export const freezeText = ({ stop, scope, author, since, until, reason }: Freeze): string => {
  const what = stop ? "an emergency stop" : scope === "window" ? "a freeze window" : "a freeze";
  const where = scope === "all" ? " of all applications" : "";
  const who = author ? ` by ${author.id}` : "";
  return `${what}${where}${who} since ${since}${until ? ` until ${until}` : ""}: ${reason}`;
};

/** From here on nothing goes forward, until it is lifted by an event of its own: the fold looks at no clock. */
export const freeze = (
  state: ApplicationState,
  event: ReleaseEventOf<"ReleasesFrozen" | "ReleasesStopped">,
): Applied => {
  const { freezeId, scope, author, reason } = event;
  if (!state.baseline && state.application !== EVERY_APPLICATION)
    return refuse("unknown-application", `application ${event.application} has no baseline yet: register it first`);
  if (state.freezes.some((known) => known.freezeId === freezeId))
    return refuse("already-frozen", `freeze ${freezeId} is in force already`);
  const stop = event._tag === "ReleasesStopped";
  // A stop does what no freeze does: the first one is never refused for their number.
  if (state.freezes.length >= MAX_FREEZES && (!stop || isStopped(state)))
    return refuse("already-frozen", `${MAX_FREEZES} freezes are in force; lift some before adding one`);
  const until = event._tag === "ReleasesFrozen" ? event.until : null;
  const added: Freeze = { freezeId, scope, stop, author, reason, since: event.at, until };
  return Result.succeed({ ...state, freezes: [...state.freezes, added], seen: [...state.seen, event.eventId] });
};

export const unfreeze = (state: ApplicationState, event: ReleaseEventOf<"ReleasesUnfrozen">): Applied =>
  state.freezes.some(({ freezeId }) => freezeId === event.freezeId)
    ? Result.succeed({
        ...state,
        freezes: state.freezes.filter(({ freezeId }) => freezeId !== event.freezeId),
        seen: [...state.seen, event.eventId],
      })
    : refuse("not-frozen", `no freeze ${event.freezeId} of ${event.application} is in force`);

/** Whether this freeze was in force here before, or is now. Once lifted it does not come again. */
export const hasSeenFreeze = (state: ApplicationState, freezeId: string): boolean =>
  ["ReleasesFrozen" as const, "ReleasesStopped" as const].some((tag) =>
    state.seen.includes(eventIdOf(tag, state.application, freezeId)),
  );

/** Nothing may go forward: an operator has paused it, or the application is frozen. */
export const standsStill = (state: ApplicationState, release: Release): boolean =>
  release.pausedAt !== null || state.freezes.length > 0;

/**
 * What an application lacks of the freezes of all applications. Order is kept only within one application, so those stand
 * under a name of their own (`EVERY_APPLICATION`) and reach each application, also one registered later, as its own event.
 * Nothing is lifted for having not been heard of: the two may be folded in any order.
 */
export const freezesToCopy = (
  every: ApplicationState | undefined,
  state: ApplicationState,
  at: Timestamp,
): ReadonlyArray<ReleaseCommand> => {
  if (!every || !state.baseline) return [];
  const { application } = state;
  const lacking = every.freezes.filter(({ freezeId }) => !hasSeenFreeze(state, freezeId));
  const over = state.freezes.filter(
    ({ scope, freezeId }) =>
      scope === "all" && every.seen.includes(eventIdOf("ReleasesUnfrozen", EVERY_APPLICATION, freezeId)),
  );
  return [
    ...lacking.map((one) => freezeCommand(application, one, at)),
    ...over.map(
      ({ freezeId }): ReleaseCommand => ({
        _tag: "LiftFreeze",
        application,
        at,
        freezeId,
        author: null,
        reason: `lifted for all applications (see ${EVERY_APPLICATION})`,
      }),
    ),
  ];
};

const freezeCommand = (application: ApplicationName, of: Freeze, at: Timestamp): ReleaseCommand => {
  const { freezeId, author, reason, until, stop } = of;
  const scope: FreezeScope = "all";
  return stop && author
    ? { _tag: "StopReleases", application, at, freezeId, scope, author, reason }
    : { _tag: "FreezeReleases", application, at, freezeId, scope, until, author, reason };
};

/** Freezes whose end has come, to be lifted by whoever looks at the clock. */
export const freezesToLift = (state: ApplicationState, at: Timestamp): ReadonlyArray<ReleaseCommand> =>
  state.freezes
    .filter(({ until }) => until !== null && until <= at)
    .map(({ freezeId, until }) => ({
      _tag: "LiftFreeze",
      application: state.application,
      at,
      freezeId,
      author: null,
      reason: `its end (${until}) has come`,
    }));
