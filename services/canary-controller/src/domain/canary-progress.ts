import {
  type CanaryProgress,
  type CheckEvidence,
  type CheckName,
  epochMsOf,
  type Policy,
  type Timestamp,
  timestampOf,
} from "@sluice/contracts";
import { holdEndsAt, policyOf, type Release, shareOf } from "@sluice/release";
import { amount } from "@sluice/release/words";
import { deadlineOf, type StepFacts } from "./decide-step.ts";

/** How a canary step stands, for whoever watches it: told from the same facts that the step is decided on. */
export const canaryProgressOf = ({ release, now, evaluation, fault }: StepFacts): CanaryProgress => {
  const { canary } = policyOf(release);
  const evidence = evaluation?.evidence ?? null;
  const needed = canary.steps[release.step ?? 0]?.minRequests ?? 0;
  const requests = { baseline: 0, candidate: 0, ...evidence?.requests, needed };
  const lacking = lackingRequests(release, requests);
  return {
    _tag: "CanaryProgressed",
    application: release.request.application,
    releaseId: release.releaseId,
    at: now,
    step: release.step ?? 0,
    steps: canary.steps.length,
    share: shareOf(release),
    startedAt: release.since,
    holdEndsAt: holdEndsAt(release),
    deadline: release.standsStillSince ? null : deadlineOf(release),
    readyAt: readyAt(release, requests, evidence?.window ?? null, now),
    windowSeconds: canary.windowSeconds,
    windows: evidence?.windows.length ?? 0,
    judgedThrough: evidence?.window.to ?? null,
    requests,
    checks: (evidence?.checks ?? []).map((check) => ({ ...check, ...limitOf(canary, check) })),
    combined: evidence?.combined ?? null,
    concurrentBaseline: evidence?.concurrentBaseline ?? shareOf(release) < 1,
    waitsFor: [
      ...(release.pausedAt ? [`an operator to resume it (paused since ${release.pausedAt})`] : []),
      ...new Set([fault?.waitsFor, evaluation?.hold?.waitsFor, release.hold?.waitsFor].filter((text) => text != null)),
      ...waitsForTime(release, evidence?.window.to ?? null, now),
      ...lacking,
    ].map((text) => text.slice(0, MAX_TEXT)),
  };
};

/** The bound of `Text`. */
const MAX_TEXT = 4_000;

type Requests = CanaryProgress["requests"];

const lackingRequests = (release: Release, { baseline, candidate, needed }: Requests): ReadonlyArray<string> => {
  // At share 1 there is no baseline to wait for.
  const arms = shareOf(release) < 1 ? ({ candidate, baseline } as const) : { candidate };
  return Object.entries(arms)
    .filter(([, seen]) => seen < needed)
    .map(([arm, seen]) => `${amount(needed - seen, "more request")} on the ${arm}`);
};

const waitsForTime = (release: Release, judgedThrough: Timestamp | null, now: Timestamp): ReadonlyArray<string> => {
  const until = holdEndsAt(release);
  if (until !== null && now < until) return [`the hold until ${until}`];
  return judgedThrough === null || judgedThrough < (until ?? release.since)
    ? ["a closed window at the end of its hold"]
    : [];
};

/** When hold and requests are complete if requests go on coming as they did in the windows judged so far. */
const readyAt = (
  release: Release,
  requests: Requests,
  window: { readonly from: Timestamp; readonly to: Timestamp } | null,
  now: Timestamp,
): Timestamp | null => {
  const holdEnd = holdEndsAt(release) ?? now;
  const seen = shareOf(release) < 1 ? Math.min(requests.baseline, requests.candidate) : requests.candidate;
  const lacking = Math.max(0, requests.needed - seen);
  const earliestMs = Math.max(epochMsOf(holdEnd), epochMsOf(now));
  if (lacking === 0) return timestampOf(earliestMs);
  if (!window || seen === 0) return null;
  const msPerRequest = (epochMsOf(window.to) - epochMsOf(window.from)) / seen;
  return timestampOf(Math.max(earliestMs, Math.round(epochMsOf(window.to) + lacking * msPerRequest)));
};

interface Limit {
  readonly ceiling: number | null;
  readonly limit: string;
}

const percent = (ratio: number): string => `${Number((100 * ratio).toFixed(3))} %`;

/** What a check is held against, by policy. */
const limitOf = ({ metrics, sampleRatioAlpha }: Policy["canary"], { check }: CheckEvidence): Limit => {
  const alone: { readonly [Check in CheckName]?: string } = {
    safetyProbes: "no confirmed failure",
    sampleRatio: `users split as the shares say (at level ${sampleRatioAlpha})`,
    servedDigest: "no request served by another bundle than its arm's",
  };
  switch (check) {
    case "errorRate":
    case "refusalRate": {
      const { ceiling, marginOddsRatio } = metrics[check];
      return compared(ceiling, ceiling === null ? null : percent(ceiling), oddsText(marginOddsRatio));
    }
    case "latencyP95": {
      const { ceilingMs, marginOddsRatio } = metrics.latencyP95;
      return compared(ceilingMs, ceilingMs === null ? null : `${Math.round(ceilingMs)} ms`, oddsText(marginOddsRatio));
    }
    case "quality": {
      const { margin } = metrics.quality;
      return compared(null, null, margin === 0 ? "no worse than the baseline" : `at most ${margin} below the baseline`);
    }
    default:
      return { ceiling: null, limit: alone[check] ?? "as policy says" };
  }
};

const oddsText = (marginOddsRatio: number): string =>
  marginOddsRatio === 1 ? "no worse than the baseline" : `odds at most ${marginOddsRatio} times the baseline's`;

const compared = (ceiling: number | null, ceilingText: string | null, against: string): Limit => ({
  ceiling,
  limit: ceilingText === null ? against : `${against}; at most ${ceilingText}`,
});
