import type { ReleaseEvent, ReleaseEventOf, ReleasePhase } from "@sluice/contracts";
import * as Result from "effect/Result";
import { type ApplicationState, candidateOf, findRelease, policyOf, type Release } from "./application-state.ts";
import { type Refusal, refusal } from "./refusal.ts";

type Applied = Result.Result<ApplicationState, Refusal>;
type ActiveEvent = Exclude<
  ReleaseEvent,
  {
    _tag:
      | "ApplicationRegistered"
      | "ReleaseRequested"
      | "GateOverridden"
      | "BaselineRolledBack"
      | "ReleaseAborted"
      | "PageSent"
      | "PageResolved";
  }
>;

/**
 * The transition rules, all of them: the next state, or why the event is not legal here. Every service folds the log
 * through this one function, so all of them ignore the same events in the same way (the log is the arbiter).
 */
export const apply = (state: ApplicationState, event: ReleaseEvent): Applied => {
  if (isSeen(state, event)) return refuse("duplicate", `event ${event.eventId} is already in the log`);
  return Result.map(transition(state, event), (next) => ({
    ...promoteQueued(next, event),
    version: state.version + 1,
    at: event.at,
  }));
};

const refuse = (code: Refusal["code"], sentence: string) => Result.fail(refusal(code, sentence));

const isSeen = (state: ApplicationState, event: ReleaseEvent): boolean => {
  if (state.seen.includes(event.eventId)) return true;
  const release = "releaseId" in event ? findRelease(state, event.releaseId) : undefined;
  return release?.seen.includes(event.eventId) ?? false;
};

const transition = (state: ApplicationState, event: ReleaseEvent): Applied => {
  switch (event._tag) {
    case "ApplicationRegistered":
      return register(state, event);
    case "ReleaseRequested":
      return request(state, event);
    case "GateOverridden":
      return overrideGate(state, event);
    case "BaselineRolledBack":
      return rollBackBaseline(state, event);
    case "ReleaseAborted":
      return abort(state, event);
    case "PageSent":
    case "PageResolved":
      return settlePage(state, event);
    default:
      return changeActive(state, event);
  }
};

// ---------------------------------------------------------------- applications and requests

const register = (state: ApplicationState, event: ReleaseEventOf<"ApplicationRegistered">): Applied =>
  state.baseline
    ? refuse("already-registered", `application ${event.application} already has baseline ${state.baseline.digest}`)
    : Result.succeed({
        ...state,
        baseline: event.baseline,
        fullyReleased: [event.baseline],
        seen: [...state.seen, event.eventId],
      });

const request = (state: ApplicationState, event: ReleaseEventOf<"ReleaseRequested">): Applied => {
  if (!state.baseline)
    return refuse("unknown-application", `application ${event.application} has no baseline yet: register it first`);
  if (findRelease(state, event.releaseId) || state.ended[event.releaseId])
    return refuse("release-exists", `release ${event.releaseId} was requested before; choose another releaseId`);
  if (event.candidate.digest === state.baseline.digest)
    return refuse("same-bundle", `candidate ${event.candidate.digest} is already the baseline; nothing to release`);
  const release = requestedRelease(event);
  if (!state.active) return Result.succeed({ ...state, queue: [...state.queue, release] });
  switch (event.policy.whileActive) {
    case "queue":
      return Result.succeed({ ...state, queue: [...state.queue, release] });
    case "supersede":
      // Queued ones are older than this request and are overtaken with the active one.
      return Result.succeed({
        ...[...state.queue, state.active].reduce((s, r) => end(s, r, "superseded", event.at), state),
        queue: [release],
      });
    case "reject":
      return refuse(
        "another-release-active",
        `release ${state.active.releaseId} is active and the policy says whileActive: reject`,
      );
  }
};

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
  overridden: false,
  seen: [event.eventId],
});

/** The oldest queued release becomes active as soon as nothing else is; its baseline is the one of that moment. */
const promoteQueued = (state: ApplicationState, event: ReleaseEvent): ApplicationState => {
  const [next, ...queue] = state.queue;
  if (state.active || !next || !state.baseline) return state;
  // What it wanted may have become the baseline meanwhile: then there is nothing left to release.
  if (candidateOf(next) === state.baseline.digest)
    return promoteQueued({ ...end(state, next, "superseded", event.at), queue }, event);
  return { ...state, queue, active: { ...next, phase: "requested", since: event.at, baseline: state.baseline } };
};

// ---------------------------------------------------------------- ends

/** Ends a release, wherever it is kept. Its page, if any, may now be resolved. */
const end = (state: ApplicationState, release: Release, phase: ReleasePhase, at: string): ApplicationState => ({
  ...state,
  active: state.active?.releaseId === release.releaseId ? null : state.active,
  queue: state.queue.filter((queued) => queued.releaseId !== release.releaseId),
  blocked: state.blocked.filter((blocked) => blocked.releaseId !== release.releaseId),
  ended: { ...state.ended, [release.releaseId]: { phase, at } },
  last: { releaseId: release.releaseId, phase, at },
  pages: state.pages.map((page) => (page.releaseId === release.releaseId ? { ...page, resolvable: true } : page)),
});

/** The gate said no: out of the way of others, but overridable as long as the baseline stays what it was. */
const setAside = (state: ApplicationState, release: Release, event: ReleaseEvent): ApplicationState => ({
  ...state,
  active: null,
  blocked: [
    ...state.blocked,
    { ...release, phase: "blocked", since: event.at, seen: [...release.seen, event.eventId] },
  ],
  last: { releaseId: release.releaseId, phase: "blocked", at: event.at },
});

const replaceBaseline = (state: ApplicationState, baseline: ApplicationState["baseline"], at: string) => {
  const settled = state.blocked.reduce((s, release) => end(s, release, "blocked", at), state);
  return {
    ...settled,
    // Ending what was set aside is bookkeeping, not the latest outcome.
    last: state.last,
    baseline,
    fullyReleased: baseline
      ? [...state.fullyReleased.filter((bundle) => bundle.digest !== baseline.digest), baseline]
      : state.fullyReleased,
  };
};

// ---------------------------------------------------------------- people's decisions that reach beyond the active release

const overrideGate = (state: ApplicationState, event: ReleaseEventOf<"GateOverridden">): Applied => {
  const release = state.blocked.find((blocked) => blocked.releaseId === event.releaseId);
  if (!release) return unknownRelease(state, event.releaseId, "is not blocked by the gate");
  if (state.active)
    return refuse("another-release-active", `release ${state.active.releaseId} is active; it must end first`);
  return Result.succeed({
    ...state,
    blocked: state.blocked.filter((blocked) => blocked !== release),
    active: {
      ...release,
      phase: "gate-passed",
      since: event.at,
      overridden: true,
      seen: [...release.seen, event.eventId],
    },
  });
};

/** Abort outranks all: it is legal for every release that has not ended, in whatever phase, paused or not. */
const abort = (state: ApplicationState, event: ReleaseEventOf<"ReleaseAborted">): Applied => {
  const release = findRelease(state, event.releaseId);
  if (!release) return unknownRelease(state, event.releaseId, "is not known");
  return Result.succeed(end(state, release, "aborted", event.at));
};

const rollBackBaseline = (state: ApplicationState, event: ReleaseEventOf<"BaselineRolledBack">): Applied => {
  const target = state.fullyReleased.find((bundle) => bundle.digest === event.to);
  if (!target) return refuse("unknown-bundle", `bundle ${event.to} was never fully released; choose one that was`);
  if (state.baseline?.digest === event.to && !state.active)
    return refuse("same-bundle", `bundle ${event.to} is the baseline already and no release is active`);
  const stopped = state.active ? end(state, state.active, "rolled-back", event.at) : state;
  return Result.succeed({ ...replaceBaseline(stopped, target, event.at), seen: [...state.seen, event.eventId] });
};

const unknownRelease = (state: ApplicationState, releaseId: string, otherwise: string): Applied => {
  const ended = state.ended[releaseId];
  return ended
    ? refuse("release-ended", `release ${releaseId} ended as ${ended.phase} at ${ended.at}`)
    : refuse("unknown-release", `release ${releaseId} of ${state.application} ${otherwise}`);
};

const settlePage = (state: ApplicationState, event: ReleaseEventOf<"PageSent" | "PageResolved">): Applied => {
  const page = state.pages.find((open) => open.dedupKey === event.dedupKey);
  const due = event._tag === "PageSent" ? page && !page.sentAt : page?.sentAt;
  if (!page || !due) return refuse("unknown-page", `page ${event.dedupKey} is not waiting to be settled`);
  const others = state.pages.filter((open) => open !== page);
  return Result.succeed({
    ...state,
    pages: event._tag === "PageSent" ? [...others, { ...page, sentAt: event.at }] : others,
  });
};

// ---------------------------------------------------------------- the active release

const changeActive = (state: ApplicationState, event: ActiveEvent): Applied => {
  const release = state.active;
  if (release?.releaseId !== event.releaseId) return unknownRelease(state, event.releaseId, "is not active");
  const legal = legalPhases[event._tag];
  if (!legal.includes(release.phase))
    return refuse(
      "wrong-phase",
      `${event._tag} needs release ${event.releaseId} to be in ${legal.join(" or ")}, it is in ${release.phase}`,
    );
  if ("step" in event) {
    const expected = event._tag === "CanaryStepStarted" ? nextStep(release) : release.step;
    const tooFar = event._tag === "CanaryStepStarted" && release.phase === "canary" && !release.stepPassed;
    if (event.step !== expected || tooFar)
      return refuse(
        "wrong-step",
        `${event._tag} names step ${event.step}, release ${event.releaseId} is at ${release.step}`,
      );
  }
  return activeTransition(state, { ...release, seen: [...release.seen, event.eventId] }, event);
};

const nextStep = (release: Release): number => (release.step === null ? 0 : release.step + 1);

const legalPhases: { readonly [Tag in ActiveEvent["_tag"]]: ReadonlyArray<ReleasePhase> } = {
  OfflineGatePassed: ["requested"],
  OfflineGateBlocked: ["requested"],
  OfflineGateInconclusive: ["requested"],
  OfflineGateInvalid: ["requested"],
  ShadowStarted: ["gate-passed"],
  ShadowPassed: ["shadow"],
  ShadowRegressed: ["shadow"],
  ShadowInconclusive: ["shadow"],
  CanaryStepStarted: ["shadow-passed", "canary"],
  CanaryStepPassed: ["canary"],
  CanaryHeld: ["canary"],
  CanaryBreached: ["canary"],
  MitigationConfirmed: ["breached"],
  ReleaseRolledBack: ["breached"],
  ReleaseCompleted: ["canary"],
  ReleasePaused: ["requested", "gate-passed", "shadow", "shadow-passed", "canary"],
  ReleaseResumed: ["requested", "gate-passed", "shadow", "shadow-passed", "canary"],
  HoldSkipped: ["canary"],
};

/** What a pause forbids: going forward. Verdicts against the candidate stay legal. */
const forward: ReadonlySet<ReleaseEvent["_tag"]> = new Set([
  "ShadowStarted",
  "ShadowPassed",
  "CanaryStepStarted",
  "CanaryStepPassed",
  "ReleaseCompleted",
]);

const activeTransition = (state: ApplicationState, release: Release, event: ActiveEvent): Applied => {
  if (release.pausedAt && forward.has(event._tag))
    return refuse("paused", `release ${release.releaseId} is paused since ${release.pausedAt}; resume it first`);
  const to = (changes: Partial<Release>): Applied => Result.succeed({ ...state, active: { ...release, ...changes } });
  switch (event._tag) {
    case "OfflineGatePassed":
      return to({ phase: "gate-passed", since: event.at });
    case "OfflineGateBlocked":
    case "OfflineGateInconclusive":
    case "OfflineGateInvalid":
      return Result.succeed(setAside(state, release, event));
    case "ShadowStarted":
      return to({ phase: "shadow", since: event.at });
    case "ShadowPassed":
      return to({ phase: "shadow-passed", since: event.at });
    case "ShadowRegressed":
      return Result.succeed(end(state, release, "regressed", event.at));
    case "ShadowInconclusive":
      return Result.succeed(end(state, release, "inconclusive", event.at));
    case "CanaryStepStarted":
      return startStep(state, release, event);
    case "CanaryStepPassed":
      return release.stepPassed
        ? refuse("wrong-step", `step ${event.step} of release ${release.releaseId} has passed already`)
        : to({ stepPassed: true, hold: null });
    case "CanaryHeld":
      return to({ hold: { cause: event.cause, waitsFor: event.waitsFor, until: event.until } });
    case "CanaryBreached":
      return Result.succeed(pin(state, release, event));
    case "MitigationConfirmed":
      return release.mitigatedAt
        ? refuse("wrong-phase", `mitigation of release ${release.releaseId} is confirmed already`)
        : to({ mitigatedAt: event.at });
    case "ReleaseRolledBack":
      return Result.succeed(end(state, release, "rolled-back", event.at));
    case "ReleaseCompleted":
      return complete(state, release, event);
    case "ReleasePaused":
      return release.pausedAt
        ? refuse("paused", `release ${release.releaseId} is paused already, since ${release.pausedAt}`)
        : to({ pausedAt: event.at });
    case "ReleaseResumed":
      return release.pausedAt
        ? to({ pausedAt: null })
        : refuse("not-paused", `release ${release.releaseId} is not paused`);
    case "HoldSkipped":
      return to({ holdSkipped: true });
  }
};

const startStep = (state: ApplicationState, release: Release, event: ReleaseEventOf<"CanaryStepStarted">): Applied => {
  const share = policyOf(release).canary.steps[event.step]?.share;
  if (share !== event.share)
    return refuse(
      "wrong-step",
      `step ${event.step} has share ${share ?? "none"} by policy, the event says ${event.share}`,
    );
  return Result.succeed({
    ...state,
    active: {
      ...release,
      phase: "canary",
      since: event.at,
      step: event.step,
      stepPassed: false,
      holdSkipped: false,
      hold: null,
    },
  });
};

const pin = (state: ApplicationState, release: Release, event: ReleaseEventOf<"CanaryBreached">): ApplicationState => ({
  ...state,
  active: {
    ...release,
    phase: "breached",
    since: event.at,
    hold: null,
    breach: { cause: event.cause, sentence: event.sentence, since: event.since, detectedAt: event.at },
  },
  pages: [
    ...state.pages,
    {
      dedupKey: `sluice/${event.application}/${event.releaseId}/breach`,
      releaseId: event.releaseId,
      sentence: event.sentence,
      at: event.at,
      sentAt: null,
      resolvable: false,
    },
  ],
});

const complete = (state: ApplicationState, release: Release, event: ReleaseEventOf<"ReleaseCompleted">): Applied => {
  const last = policyOf(release).canary.steps.length - 1;
  if (release.step !== last || !release.stepPassed)
    return refuse("wrong-step", `release ${release.releaseId} has not passed its last step (${last})`);
  return Result.succeed(
    replaceBaseline(end(state, release, "completed", event.at), release.request.candidate, event.at),
  );
};
