import type { ReleaseEvent, ReleasePhase } from "@sluice/contracts";
import type * as Result from "effect/Result";
import { type ApplicationState, endOf, findRelease, type Release } from "./application-state.ts";
import { withNotice } from "./notice.ts";
import { type Refusal, refuse } from "./refusal.ts";

/** Ends a release, wherever it is kept, because of `event`. Its page, if any, may now be resolved, and its end is told. */
export const endRelease = (
  state: ApplicationState,
  release: Release,
  phase: ReleasePhase,
  event: ReleaseEvent,
): ApplicationState => ({
  ...(isNews(phase, event) ? withNotice(state, release, phase, event) : state),
  active: state.active?.releaseId === release.releaseId ? null : state.active,
  queue: state.queue.filter((queued) => queued.releaseId !== release.releaseId),
  blocked: state.blocked.filter((blocked) => blocked.releaseId !== release.releaseId),
  ended: { ...state.ended, [release.releaseId]: { phase, at: event.at, seen: release.seen } },
  last: { releaseId: release.releaseId, phase, at: event.at },
  pages: state.pages.map((page) => (page.releaseId === release.releaseId ? { ...page, resolvable: true } : page)),
});

/** That a release is blocked was told when the gate said so; that it can be overridden no more is bookkeeping. */
const isNews = (phase: ReleasePhase, event: ReleaseEvent): boolean =>
  phase !== "blocked" || event._tag === "OverrideExpired";

/** As many may wait for an override as for their turn: nobody looks at more, and the state must not grow for ever. */
export const MAX_BLOCKED = 100;

/**
 * The gate said no: out of the way of others, but overridable as long as the baseline stays what it was. When too many are
 * set aside the oldest ends as blocked, and can be overridden no more.
 */
export const setAside = (state: ApplicationState, release: Release, event: ReleaseEvent): ApplicationState => {
  const [oldest] = state.blocked;
  const room = oldest && state.blocked.length >= MAX_BLOCKED ? endRelease(state, oldest, "blocked", event) : state;
  return {
    ...withNotice(room, release, "blocked", event),
    active: null,
    blocked: [...room.blocked, { ...release, phase: "blocked", since: event.at }],
    last: { releaseId: release.releaseId, phase: "blocked", at: event.at },
  };
};

/** Releases that the gate blocked were measured against the old baseline: with it goes the right to override them. */
export const replaceBaseline = (
  state: ApplicationState,
  baseline: NonNullable<ApplicationState["baseline"]>,
  event: ReleaseEvent,
): ApplicationState => {
  const settled = state.blocked.reduce((before, release) => endRelease(before, release, "blocked", event), state);
  return {
    ...settled,
    // Ending what was set aside is bookkeeping, not the latest outcome.
    last: state.last,
    baseline,
    fullyReleased: [...state.fullyReleased.filter((bundle) => bundle.digest !== baseline.digest), baseline],
  };
};

/** Why a release is not where an event needs it: it has ended, is in another phase, or was never there. */
export const misplaced = (
  state: ApplicationState,
  releaseId: string,
  needed: "active" | "blocked" | "known",
): Result.Result<never, Refusal> => {
  const ended = endOf(state, releaseId);
  if (ended) return refuse("release-ended", `release ${releaseId} ended as ${ended.phase} at ${ended.at}`);
  const release = findRelease(state, releaseId);
  return release
    ? refuse("wrong-phase", `release ${releaseId} is not ${needed}, it is ${release.phase}`)
    : refuse("unknown-release", `${state.application} has no release ${releaseId}`);
};
