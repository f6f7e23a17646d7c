import { epochMsOf, type Policy, type ReleaseState, timestampOf } from "@sluice/contracts";
import { type ApplicationState, candidateOf, policyOf, type Release, shareOf } from "./application-state.ts";
import { freezeText } from "./freeze.ts";
import { amount, lengthOfTime } from "./words.ts";

/** What services that subscribe to release state see. */
export const releaseStateOf = (state: ApplicationState): ReleaseState => ({
  _tag: "ReleaseStateChanged",
  application: state.application,
  version: state.version,
  at: state.at,
  baseline: state.baseline,
  active: state.active && {
    releaseId: state.active.releaseId,
    candidate: candidateOf(state.active),
    phase: state.active.phase,
    step: state.active.step,
    share: shareOf(state.active),
    paused: state.active.pausedAt !== null,
    overridden: state.active.override !== null,
    ...(state.active.override && { override: state.active.override }),
    since: state.active.since,
    waitsFor: waitsFor(state, state.active),
    hold: state.active.hold && { cause: state.active.hold.cause, until: state.active.hold.until },
  },
  queued: state.queue.map((release) => release.releaseId),
  ...(state.freezes.length > 0 && { freezes: state.freezes }),
  ...(state.pages.length + state.notices.length > 0 && { pages: messages(state) }),
  last: state.last,
});

const messages = ({ pages, notices }: ApplicationState): NonNullable<ReleaseState["pages"]> => [
  ...pages.map(({ dedupKey, releaseId, severity, at, sentAt, undelivered }) => ({
    dedupKey,
    releaseId,
    severity,
    at,
    sentAt,
    // It was taken in the end: nobody need look any more.
    undelivered: sentAt ? null : undelivered,
  })),
  ...notices.map(({ dedupKey, releaseId, at, undelivered }) => ({
    dedupKey,
    releaseId,
    severity: "info" as const,
    at,
    sentAt: null,
    undelivered,
  })),
];

/** When the hold of the present step is over; null outside the canary or when an operator skipped it. */
export const holdEndsAt = (release: Release): string | null => {
  const step = release.step === null ? undefined : policyOf(release).canary.steps[release.step];
  return step && !release.holdSkipped ? timestampOf(epochMsOf(release.since) + step.holdSeconds * 1_000) : null;
};

/** The bound of `Text`. */
const MAX_TEXT = 4_000;

const given = (needs: ReadonlyArray<string | null>) => needs.filter((need) => need !== null);

const shadowNeeds = ({ minPairs, minDurationSeconds, minRequests, enough }: Policy["shadow"]): string => {
  const time = minDurationSeconds > 0 ? lengthOfTime(minDurationSeconds) : null;
  const requests = minRequests > 0 ? amount(minRequests, "request") : null;
  const either = time !== null && requests !== null ? `${time} or ${requests}` : null;
  const pairs = minPairs > 0 ? amount(minPairs, "judged pair") : null;
  return (
    given([pairs, ...(enough === "either" ? [either] : [time, requests])]).join(" and ") || "its first judged pairs"
  );
};

const stepNeeds = (release: Release, minRequests: number): string => {
  const until = holdEndsAt(release);
  // Where all users have the candidate there is no other arm.
  const arms = shareOf(release) < 1 ? "per arm" : "of the candidate";
  const requests = minRequests > 0 ? `${amount(minRequests, "request")} ${arms}` : null;
  return given([until && `the hold until ${until}`, requests]).join(" and ") || "a closed window";
};

const waitsFor = (state: ApplicationState, release: Release): string | null => {
  const [freeze] = state.freezes;
  if (freeze && release.phase !== "breached") return `the end of ${freezeText(freeze)}`.slice(0, MAX_TEXT);
  if (release.pausedAt) return `an operator to resume it (paused since ${release.pausedAt})`;
  const { shadow, canary } = policyOf(release);
  switch (release.phase) {
    case "requested":
      return "the offline gate";
    case "gate-passed":
      return "the shadow to start";
    case "shadow":
      return shadowNeeds(shadow);
    case "shadow-passed":
      return "the first canary step";
    case "canary": {
      if (release.hold) return `${release.hold.waitsFor} (until ${release.hold.until})`;
      return stepNeeds(release, canary.steps[release.step ?? 0]?.minRequests ?? 0);
    }
    case "breached":
      return release.mitigatedAt ? "the rollback" : "every gateway to acknowledge the pin to the baseline";
    default:
      return null;
  }
};
