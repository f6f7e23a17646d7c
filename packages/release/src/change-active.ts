import {
  epochMsOf,
  type ReleaseEvent,
  type ReleaseEventOf,
  type ReleasePhase,
  type Timestamp,
  timestampOf,
} from "@sluice/contracts";
import * as Result from "effect/Result";
import {
  type ApplicationState,
  type Breach,
  type Page,
  policyOf,
  type Release,
  stepShare,
} from "./application-state.ts";
import { endRelease, misplaced, replaceBaseline, setAside } from "./end-release.ts";
import { freezeAgainst, freezeText, standsStill } from "./freeze.ts";
import { expireOverride, overrideEndsAt } from "./override-gate.ts";
import { type Refusal, refuse } from "./refusal.ts";
import { holdEndsAt } from "./release-state.ts";

type Applied = Result.Result<ApplicationState, Refusal>;

/** Events that only the active release may meet. */
export type ActiveEvent = Exclude<
  ReleaseEvent,
  {
    _tag:
      | "ApplicationRegistered"
      | "ReleaseRequested"
      | "OverrideProposed"
      | "GateOverridden"
      | "BaselineRolledBack"
      | "ReleaseAborted"
      | "PageSent"
      | "PageResolved"
      | "PageUndelivered"
      | "NoticeSent"
      | "ReleasesFrozen"
      | "ReleasesStopped"
      | "ReleasesUnfrozen"
      | "ErasureRequested"
      | "PayloadsErased";
  }
>;

/** The transitions of the active release: phase and step must fit, and a pause forbids going forward. */
export const changeActive = (state: ApplicationState, event: ActiveEvent): Applied => {
  const release = state.active;
  if (release?.releaseId !== event.releaseId) return misplaced(state, event.releaseId, "active");
  const legal = legalPhases[event._tag];
  if (!legal.includes(release.phase))
    return refuse(
      "wrong-phase",
      `${event._tag} needs release ${event.releaseId} to be in ${legal.join(" or ")}, it is in ${release.phase}`,
    );
  if ("step" in event && !fitsStep(release, event))
    return refuse(
      "wrong-step",
      `${event._tag} names step ${event.step}, release ${event.releaseId} is at ${release.step ?? "none"}`,
    );
  return activeTransition(state, { ...release, seen: [...release.seen, event.eventId] }, event);
};

const fitsStep = (release: Release, event: Extract<ActiveEvent, { readonly step: number }>): boolean => {
  switch (event._tag) {
    case "CanaryStepStarted":
      return release.step === null ? event.step === 0 : release.stepPassed && event.step === release.step + 1;
    case "CanaryBreached":
      // Decided at an earlier step, overtaken by an advance: the breach still counts.
      return release.step !== null && event.step <= release.step;
    default:
      return event.step === release.step;
  }
};

const legalPhases: { readonly [Tag in ActiveEvent["_tag"]]: ReadonlyArray<ReleasePhase> } = {
  OfflineGatePassed: ["requested"],
  OfflineGateBlocked: ["requested"],
  OfflineGateInconclusive: ["requested"],
  OfflineGateInvalid: ["requested"],
  OverrideExpired: ["gate-passed", "shadow", "shadow-passed", "canary"],
  ShadowStarted: ["gate-passed"],
  ShadowPassed: ["shadow"],
  ShadowRegressed: ["shadow"],
  ShadowInconclusive: ["shadow"],
  CanaryStepStarted: ["shadow-passed", "canary"],
  CanaryStepPassed: ["canary"],
  CanaryHeld: ["canary"],
  CanaryHoldEnded: ["canary"],
  CanaryBreached: ["canary"],
  MitigationConfirmed: ["breached"],
  ReleaseRolledBack: ["breached"],
  ReleaseCompleted: ["canary"],
  ReleasePaused: ["requested", "gate-passed", "shadow", "shadow-passed", "canary"],
  ReleaseResumed: ["requested", "gate-passed", "shadow", "shadow-passed", "canary"],
  HoldSkipped: ["canary"],
};

/** What a pause and an override that has ended forbid: going forward. Verdicts against the candidate stay legal. */
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
  const endsAt = overrideEndsAt(release);
  if (endsAt !== null && event.at >= endsAt && forward.has(event._tag))
    return refuse("override-expired", `the override of release ${release.releaseId} ended at ${endsAt}`);
  const frozen = freezeAgainst(state, event._tag);
  if (frozen) return refuse("frozen", `${state.application} is frozen: ${freezeText(frozen)}; unfreeze it first`);
  const to = (changes: Partial<Release>): Applied => Result.succeed({ ...state, active: { ...release, ...changes } });
  switch (event._tag) {
    case "OfflineGatePassed":
      return to({ phase: "gate-passed", since: event.at });
    case "OfflineGateBlocked":
    case "OfflineGateInconclusive":
    case "OfflineGateInvalid":
      return Result.succeed(setAside(state, release, event));
    case "OverrideExpired":
      return expireOverride(state, release, event);
    case "ShadowStarted":
      return to({ phase: "shadow", since: event.at });
    case "ShadowPassed":
      return to({ phase: "shadow-passed", since: event.at });
    case "ShadowRegressed":
      return Result.succeed(endRelease(state, release, "regressed", event));
    case "ShadowInconclusive":
      return Result.succeed(endRelease(state, release, "inconclusive", event));
    case "CanaryStepStarted":
      return startStep(state, release, event);
    case "CanaryStepPassed":
      return passStep(state, release, event);
    case "CanaryHeld":
      return to({
        hold: { cause: event.cause, since: event.at, waitsFor: event.waitsFor, until: event.until },
        holds: release.holds + 1,
        heldAt: event.at,
      });
    case "CanaryHoldEnded":
      return release.hold
        ? to({ hold: null })
        : refuse("not-held", `step ${event.step} of release ${release.releaseId} is not held for anything`);
    case "CanaryBreached":
      return Result.succeed(pin(state, release, breachOf(event), "critical"));
    case "MitigationConfirmed":
      return release.mitigatedAt
        ? refuse("wrong-phase", `mitigation of release ${release.releaseId} is confirmed already`)
        : to({ mitigatedAt: event.at });
    case "ReleaseRolledBack":
      return Result.succeed(endRelease(nameOnPage(state, event), release, "rolled-back", event));
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

/** Notes when a standstill of the active release begins, and gives back the time it took once it ends. */
export const settleStandstill = (state: ApplicationState, at: Timestamp): ApplicationState => {
  const release = state.active;
  if (!release) return state;
  const since = release.standsStillSince;
  if (standsStill(state, release))
    return since === null ? { ...state, active: { ...release, standsStillSince: at } } : state;
  return since === null ? state : { ...state, active: { ...release, ...movedOn(release, since, at) } };
};

/** Pauses and freezes take nothing of the time that a step is given for what it lacks; both at once count once. */
const movedOn = ({ since, hold, pausedMs }: Release, stoodFrom: Timestamp, at: Timestamp): Partial<Release> => {
  const lastedMs = Math.max(0, epochMsOf(at) - Math.max(epochMsOf(stoodFrom), epochMsOf(since)));
  return {
    standsStillSince: null,
    pausedMs: pausedMs + lastedMs,
    hold: hold && { ...hold, until: timestampOf(epochMsOf(hold.until) + lastedMs) },
  };
};

const passStep = (state: ApplicationState, release: Release, event: ReleaseEventOf<"CanaryStepPassed">): Applied => {
  if (release.stepPassed)
    return refuse("wrong-step", `step ${event.step} of release ${release.releaseId} has passed already`);
  const until = holdEndsAt(release);
  if (until !== null && epochMsOf(event.at) < epochMsOf(until))
    return refuse("hold-not-over", `step ${event.step} of release ${release.releaseId} is held until ${until}`);
  return Result.succeed({ ...state, active: { ...release, stepPassed: true, hold: null } });
};

const startStep = (state: ApplicationState, release: Release, event: ReleaseEventOf<"CanaryStepStarted">): Applied => {
  const share = stepShare(policyOf(release).canary, event.step);
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
      pausedMs: 0,
      holds: 0,
      heldAt: null,
    },
  });
};

const breachOf = ({ cause, sentence, since, at }: ReleaseEventOf<"CanaryBreached">): Breach => ({
  cause,
  sentence,
  since,
  detectedAt: at,
});

/** All of its users to the baseline, and a page is due. */
export const pin = (
  state: ApplicationState,
  release: Release,
  breach: Breach,
  severity: Page["severity"],
): ApplicationState => ({
  ...state,
  active: {
    ...release,
    phase: "breached",
    since: breach.detectedAt,
    hold: null,
    // The pause has nothing left to hold up, and nobody could resume: the rollback goes on by itself.
    pausedAt: null,
    breach,
  },
  pages: [
    ...state.pages,
    {
      dedupKey: `sluice/${state.application}/${release.releaseId}/breach`,
      releaseId: release.releaseId,
      sentence: breach.sentence,
      at: breach.detectedAt,
      sentAt: null,
      resolvable: false,
      severity,
      channel: null,
      undelivered: null,
      unacknowledged: [],
    },
  ],
});

const nameOnPage = (
  state: ApplicationState,
  { releaseId, unacknowledged }: ReleaseEventOf<"ReleaseRolledBack">,
): ApplicationState => ({
  ...state,
  pages: state.pages.map((page) => (page.releaseId === releaseId ? { ...page, unacknowledged } : page)),
});

const complete = (state: ApplicationState, release: Release, event: ReleaseEventOf<"ReleaseCompleted">): Applied => {
  const last = policyOf(release).canary.steps.length - 1;
  if (release.step !== last || !release.stepPassed)
    return refuse("wrong-step", `release ${release.releaseId} has not passed its last step (${last})`);
  return Result.succeed(
    replaceBaseline(endRelease(state, release, "completed", event), release.request.candidate, event),
  );
};
