import {
  type CanaryEvidence,
  epochMsOf,
  type HoldCause,
  type Policy,
  type Timestamp,
  timestampOf,
} from "@sluice/contracts";
import { canaryWith } from "@sluice/judge/domain/judge-trust";
import { holdEndsAt, policyOf, type Release, stepShare } from "@sluice/release";
import { amount } from "@sluice/release/words";
import type { Breach, CanaryEvaluation } from "./evaluate-canary.ts";
import { bytesOfWindows, MAX_WINDOWS_BYTES } from "./evidence-size.ts";
import { sumOf } from "./metric-run.ts";

/** Why there is no evidence to judge: named, so that nobody has to guess. */
export interface Fault {
  readonly cause: HoldCause;
  readonly waitsFor: string;
}

export type StepDecision =
  | { readonly _tag: "advance"; readonly evidence: CanaryEvidence }
  | {
      readonly _tag: "hold";
      readonly cause: HoldCause;
      readonly waitsFor: string;
      /** Then the step is rolled back. */
      readonly until: Timestamp;
      readonly evidence: CanaryEvidence | null;
    }
  /** What the step was held for is over, and it has not passed yet. */
  | { readonly _tag: "end-hold" }
  | ({ readonly _tag: "breach"; readonly evidence: CanaryEvidence | null } & Breach)
  /** Nothing to say that the log does not know yet. */
  | { readonly _tag: "wait" };

export interface StepFacts {
  readonly release: Release;
  readonly now: Timestamp;
  /** Of all windows closed so far; null while the step has none. */
  readonly evaluation: CanaryEvaluation | null;
  readonly fault: Fault | null;
}

const wait: StepDecision = { _tag: "wait" };

/**
 * What a canary step calls for now. A breach is one in every state, paused or waiting. Only complete evidence that reaches
 * to the end of the hold advances; whatever is missing is a hold with a deadline, and then a rollback.
 */
export const decideStep = ({ release, now, evaluation, fault }: StepFacts): StepDecision => {
  if (evaluation?.breach)
    return { _tag: "breach", ...evaluation.breach, evidence: fitting(evaluation, MAX_WINDOWS_BYTES) };

  const missing = fault ?? evaluation?.hold ?? tooLarge(evaluation) ?? missingEvidence(release, evaluation);
  const inTime = isHoldOver(release, now) && reachesHold(release, evaluation);
  if (!missing && inTime && evaluation && !release.standsStillSince)
    return { _tag: "advance", evidence: evaluation.evidence };

  const deadline = deadlineOf(release);
  // A pause or a freeze is somebody's decision and has no deadline; what is missing is looked at again once it is over.
  if (now >= deadline && !release.standsStillSince)
    return {
      _tag: "breach",
      cause: "hold-deadline",
      sentence: `Step ${stepNumber(release)} has waited until its deadline (${deadline}) for ${missing?.waitsFor ?? "a closed window at the end of its hold"}.`,
      since: deadline,
      evidence: fitting(evaluation, MAX_BYTES_ON_A_HOLD),
    };

  // A step that has simply not had its time or its requests yet is no hold: it says so in the release's state.
  if (!missing || !(fault ?? evaluation?.hold ?? isHoldOver(release, now)))
    return outlivesHold(release, evaluation) ? { _tag: "end-hold" } : wait;
  if (release.hold?.cause === missing.cause || heldLately(release, now)) return wait;
  return { _tag: "hold", ...missing, until: deadline, evidence: fitting(evaluation, MAX_BYTES_ON_A_HOLD) };
};

/** So long after its first hold a step may be held again; each further one takes twice as long. */
const HOLDS_APART_MS = 5_000;
const MAX_DOUBLINGS = 12;

/** Causes that come and go make a few events that grow rarer, not one at every look. */
const heldLately = ({ holds, heldAt }: Release, now: Timestamp): boolean =>
  heldAt !== null &&
  epochMsOf(now) - epochMsOf(heldAt) < HOLDS_APART_MS * 2 ** Math.min(Math.max(0, holds - 1), MAX_DOUBLINGS);

/**
 * The end of the hold, and as much again as policy gives for whatever may be missing; pauses do not count. The hold itself
 * goes on in a pause: the step's users are served, and what they meet is judged.
 */
export const deadlineOf = (release: Release): Timestamp => {
  const { steps, holdDeadlineSeconds } = policyOf(release).canary;
  const holdSeconds = steps[release.step ?? 0]?.holdSeconds ?? 0;
  return timestampOf(epochMsOf(release.since) + (holdSeconds + holdDeadlineSeconds) * 1_000 + release.pausedMs);
};

const isHoldOver = (release: Release, now: Timestamp): boolean => {
  const endsAt = holdEndsAt(release);
  return endsAt === null || now >= endsAt;
};

/**
 * A hold whose cause is not found again ends once a window that closed after it was said has been judged: what comes and
 * goes from look to look is then one hold, not an event a second.
 */
const outlivesHold = ({ hold }: Release, evaluation: CanaryEvaluation | null): boolean =>
  hold !== null && evaluation !== null && evaluation.evidence.window.to > hold.since;

/** A late analysis delays the step: the judged windows must reach the end of the hold. */
const reachesHold = (release: Release, evaluation: CanaryEvaluation | null): boolean =>
  evaluation !== null && evaluation.evidence.window.to >= (holdEndsAt(release) ?? release.since);

/** A step that has to wait for very long with very short windows outgrows its event. */
const tooLarge = (evaluation: CanaryEvaluation | null): Fault | null =>
  evaluation && bytesOfWindows(evaluation.evidence.windows) > MAX_WINDOWS_BYTES
    ? {
        cause: "query-failed",
        waitsFor: `evidence that fits into an event: its ${evaluation.evidence.windows.length} windows do not; choose a longer windowSeconds`,
      }
    : null;

/** What the step's windows lack before it may advance. */
const missingEvidence = (release: Release, evaluation: CanaryEvaluation | null): Fault | null => {
  const { canary } = policyOf(release);
  const step = canary.steps[release.step ?? 0];
  const needed = step?.minRequests ?? 0;
  const requests = evaluation?.evidence.requests ?? { baseline: 0, candidate: 0 };
  const lacking = [
    lack("candidate", needed - requests.candidate),
    // Where all users have the candidate there is no baseline to wait for.
    lack("baseline", (stepShare(canary, release.step ?? 0) ?? 1) < 1 ? needed - requests.baseline : 0),
  ].filter((text) => text !== null);
  if (lacking.length > 0) return { cause: "no-data", waitsFor: lacking.join(" and ") };
  if (!evaluation) return null;
  return missingScores(canary, evaluation.evidence) ?? missingProbes(canary, evaluation.evidence);
};

const lack = (arm: string, requests: number): string | null =>
  requests > 0 ? `${amount(requests, "more request")} on the ${arm}` : null;

/** So many judged responses are expected before their complete absence means that nobody judges. */
const EXPECTED_SCORES = 10;

const missingScores = (canary: Policy["canary"], { windows, judgeReport }: CanaryEvidence): Fault | null => {
  const { mode, sampleRate, weight } = canaryWith(canary, judgeReport ?? null).metrics.quality;
  const answered = sumOf(windows, ({ candidate }) => candidate.requests - candidate.errors);
  const scores = sumOf(windows, ({ candidate }) => candidate.quality.n);
  return mode === "enforce" && weight > 0 && scores === 0 && answered * sampleRate >= EXPECTED_SCORES
    ? { cause: "judge-down", waitsFor: `the judge: none of ${answered} answers has been scored` }
    : null;
};

const missingProbes = (canary: Policy["canary"], { windows }: CanaryEvidence): Fault | null =>
  canary.safetyProbes && sumOf(windows, ({ probes }) => probes.sent) === 0
    ? { cause: "no-data", waitsFor: "a judged safety probe: none was answered in this step" }
    : null;

/** More is not worth an event that decides nothing. */
const MAX_BYTES_ON_A_HOLD = 500_000;

/** An event that is too large cannot be published: rather none of the windows than no decision. */
const fitting = (evaluation: CanaryEvaluation | null, limitBytes: number): CanaryEvidence | null =>
  evaluation && bytesOfWindows(evaluation.evidence.windows) <= limitBytes ? evaluation.evidence : null;

const stepNumber = (release: Release): string =>
  `${(release.step ?? 0) + 1} of ${policyOf(release).canary.steps.length}`;
