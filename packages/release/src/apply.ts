import { EVERY_APPLICATION, type ReleaseEvent, type ReleaseEventOf } from "@sluice/contracts";
import * as Result from "effect/Result";
import { type ApplicationState, candidateOf, endOf, findRelease, type Release } from "./application-state.ts";
import { changeActive, pin, settleStandstill } from "./change-active.ts";
import { endRelease, misplaced, replaceBaseline } from "./end-release.ts";
import { concludeErasure, requestErasure } from "./erasure.ts";
import { freeze, unfreeze } from "./freeze.ts";
import { overrideGate } from "./override-gate.ts";
import { type Refusal, refuse } from "./refusal.ts";

type Applied = Result.Result<ApplicationState, Refusal>;

/** A queue this long is not being worked off: whoever asks should know at once instead of waiting for days. */
export const MAX_QUEUED = 100;

/**
 * The transition rules, all of them: the next state, or why the event is not legal here. Every service folds the log
 * through this one function, so all of them ignore the same events in the same way (the log is the arbiter).
 */
export const apply = (state: ApplicationState, event: ReleaseEvent): Applied => {
  if (isSeen(state, event)) return refuse("duplicate", `event ${event.eventId} is already in the log`);
  return Result.map(transition(state, event), (next) => ({
    ...settleStandstill(promoteQueued(next, event), event.at),
    version: state.version + 1,
    at: event.at,
  }));
};

const isSeen = (state: ApplicationState, event: ReleaseEvent): boolean => {
  if (state.seen.includes(event.eventId)) return true;
  if (!("releaseId" in event)) return false;
  const release = findRelease(state, event.releaseId) ?? endOf(state, event.releaseId);
  return release?.seen.includes(event.eventId) ?? false;
};

const transition = (state: ApplicationState, event: ReleaseEvent): Applied => {
  switch (event._tag) {
    case "ApplicationRegistered":
      return register(state, event);
    case "ReleaseRequested":
      return request(state, event);
    case "OverrideProposed":
    case "GateOverridden":
      return overrideGate(state, event);
    case "BaselineRolledBack":
      return rollBackBaseline(state, event);
    case "ReleaseAborted":
      return abort(state, event);
    case "PageSent":
    case "PageResolved":
      return settlePage(state, event);
    case "PageUndelivered":
      return tellUndelivered(state, event);
    case "NoticeSent":
      return settleNotice(state, event);
    case "ReleasesFrozen":
      return freeze(state, event);
    case "ReleasesStopped":
      return Result.map(freeze(state, event), (stopped) => stopCanary(stopped, event));
    case "ReleasesUnfrozen":
      return unfreeze(state, event);
    case "ErasureRequested":
      return requestErasure(state, event);
    case "PayloadsErased":
      return concludeErasure(state, event);
    default:
      return changeActive(state, event);
  }
};

// ---------------------------------------------------------------- applications and requests

const register = (state: ApplicationState, event: ReleaseEventOf<"ApplicationRegistered">): Applied => {
  if (event.application === EVERY_APPLICATION)
    return refuse("reserved-name", `${EVERY_APPLICATION} stands for all applications; choose another name`);
  if (state.baseline)
    return refuse(
      "already-registered",
      `application ${event.application} already has baseline ${state.baseline.digest}`,
    );
  return Result.succeed({
    ...state,
    baseline: event.baseline,
    fullyReleased: [event.baseline],
    seen: [...state.seen, event.eventId],
  });
};

const request = (state: ApplicationState, event: ReleaseEventOf<"ReleaseRequested">): Applied => {
  if (!state.baseline)
    return refuse("unknown-application", `application ${event.application} has no baseline yet: register it first`);
  if (findRelease(state, event.releaseId) || endOf(state, event.releaseId))
    return refuse("release-exists", `release ${event.releaseId} was requested before; choose another releaseId`);
  if (event.candidate.digest === state.baseline.digest)
    return refuse("same-bundle", `candidate ${event.candidate.digest} is already the baseline; nothing to release`);
  const release = requestedRelease(event);
  if (!state.active) return enqueue(state, release);
  switch (event.policy.whileActive) {
    case "queue":
      return enqueue(state, release);
    case "supersede": {
      // Queued ones are older than this request and are overtaken with the active one. A breached one is not: a new
      // request must not hide a breach before its mitigation is confirmed and its rollback is on record.
      const overtaken = state.active.phase === "breached" ? state.queue : [...state.queue, state.active];
      return enqueue(
        overtaken.reduce((before, older) => endRelease(before, older, "superseded", event), state),
        release,
      );
    }
    case "reject":
      return refuse(
        "another-release-active",
        `release ${state.active.releaseId} is active and the policy says whileActive: reject`,
      );
  }
};

const enqueue = (state: ApplicationState, release: Release): Applied =>
  state.queue.length >= MAX_QUEUED
    ? refuse("queue-full", `${MAX_QUEUED} releases of ${state.application} are queued; abort some, or wait`)
    : Result.succeed({ ...state, queue: [...state.queue, release] });

const requestedRelease = (event: ReleaseEventOf<"ReleaseRequested">): Release => ({
  releaseId: event.releaseId,
  request: event,
  phase: "queued",
  since: event.at,
  baseline: null,
  step: null,
  stepPassed: false,
  holdSkipped: false,
  hold: null,
  breach: null,
  mitigatedAt: null,
  pausedAt: null,
  standsStillSince: null,
  pausedMs: 0,
  holds: 0,
  heldAt: null,
  override: null,
  proposal: null,
  seen: [event.eventId],
});

/** The oldest queued release becomes active as soon as nothing else is; its baseline is the one of that moment. */
const promoteQueued = (state: ApplicationState, event: ReleaseEvent): ApplicationState => {
  const [next, ...queue] = state.queue;
  if (state.active || !next || !state.baseline) return state;
  // What it wanted may have become the baseline meanwhile: then there is nothing left to release.
  // That is bookkeeping: the latest outcome stays that of the release whose end made room.
  if (candidateOf(next) === state.baseline.digest)
    return promoteQueued({ ...endRelease(state, next, "superseded", event), last: state.last }, event);
  return { ...state, queue, active: { ...next, phase: "requested", since: event.at, baseline: state.baseline } };
};

// ---------------------------------------------------------------- people's decisions that reach beyond the active release

/** Abort outranks all: it is legal for every release that has not ended, in whatever phase, paused or not. */
const abort = (state: ApplicationState, event: ReleaseEventOf<"ReleaseAborted">): Applied => {
  const release = findRelease(state, event.releaseId);
  if (!release) return misplaced(state, event.releaseId, "known");
  const aborted = { ...release, seen: [...release.seen, event.eventId] };
  return Result.succeed(endRelease(state, aborted, "aborted", event));
};

const rollBackBaseline = (state: ApplicationState, event: ReleaseEventOf<"BaselineRolledBack">): Applied => {
  const target = state.fullyReleased.find((bundle) => bundle.digest === event.to);
  if (!target) return refuse("unknown-bundle", `bundle ${event.to} was never fully released; choose one that was`);
  if (state.baseline?.digest === event.to && !state.active)
    return refuse("same-bundle", `bundle ${event.to} is the baseline already and no release is active`);
  const stopped = state.active ? endRelease(state, state.active, "rolled-back", event) : state;
  return Result.succeed({ ...replaceBaseline(stopped, target, event), seen: [...state.seen, event.eventId] });
};

const settlePage = (state: ApplicationState, event: ReleaseEventOf<"PageSent" | "PageResolved">): Applied => {
  const page = state.pages.find((open) => open.dedupKey === event.dedupKey);
  const due = event._tag === "PageSent" ? page && !page.sentAt : page?.sentAt && page.resolvable;
  if (!page || !due) return refuse("unknown-page", `page ${event.dedupKey} is not waiting to be settled`);
  const others = state.pages.filter((open) => open !== page);
  return Result.succeed({
    ...state,
    pages: event._tag === "PageSent" ? [...others, { ...page, sentAt: event.at, channel: event.channel }] : others,
  });
};

const settleNotice = (state: ApplicationState, event: ReleaseEventOf<"NoticeSent">): Applied => {
  const others = state.notices.filter(({ dedupKey }) => dedupKey !== event.dedupKey);
  return others.length < state.notices.length
    ? Result.succeed({ ...state, notices: others })
    : refuse("unknown-page", `notice ${event.dedupKey} is not waiting to be told`);
};

/** Whoever looks must see that somebody should have been told and was not. */
const tellUndelivered = (state: ApplicationState, event: ReleaseEventOf<"PageUndelivered">): Applied => {
  const { dedupKey, sentence } = event;
  const isWaiting = (one: { readonly dedupKey: string; readonly undelivered: string | null }) =>
    one.dedupKey === dedupKey && one.undelivered === null;
  const told = <One extends { readonly dedupKey: string; readonly undelivered: string | null }>(one: One): One =>
    isWaiting(one) ? { ...one, undelivered: sentence } : one;
  return state.pages.some((page) => isWaiting(page) && !page.sentAt) || state.notices.some(isWaiting)
    ? Result.succeed({ ...state, pages: state.pages.map(told), notices: state.notices.map(told) })
    : refuse("unknown-page", `${dedupKey} is not waiting to be delivered, or was said to be undelivered before`);
};

/** Users are taken off a candidate by the fold itself: no service can forget it. Then it is rolled back as after a breach. */
const stopCanary = (state: ApplicationState, event: ReleaseEventOf<"ReleasesStopped">): ApplicationState => {
  const release = state.active;
  if (release?.phase !== "canary") return state;
  const sentence = `Emergency stop by ${event.author.id}: ${event.reason}`;
  return pin(state, release, { cause: "emergency-stop", sentence, since: event.at, detectedAt: event.at }, "warning");
};
