import type { ReleaseEvent, ReleasePhase } from "@sluice/contracts";
import type { ApplicationState, Notice, Release } from "./application-state.ts";

/** Tells the end of a release: due until `NoticeSent` is in the log, whatever crashes in between. */
export const withNotice = (
  state: ApplicationState,
  { releaseId }: Release,
  phase: ReleasePhase,
  event: ReleaseEvent,
): ApplicationState => {
  // Such a release is blocked a second time: that its users are off the candidate again is news of its own.
  const outcome = event._tag === "OverrideExpired" ? "override-expired" : phase;
  const dedupKey = `sluice/${state.application}/${releaseId}/${outcome}`;
  const notice: Notice = {
    dedupKey,
    releaseId,
    phase,
    sentence: sentenceOf(phase, event),
    at: event.at,
    undelivered: null,
  };
  return { ...state, notices: [...state.notices, notice] };
};

const sentenceOf = (phase: ReleasePhase, event: ReleaseEvent): string => {
  switch (event._tag) {
    case "OfflineGateBlocked":
    case "OfflineGateInconclusive":
    case "OfflineGateInvalid": {
      const reason = event.report.reasons.find(({ enforced }) => enforced)?.sentence;
      return `the offline gate says ${event.report.verdict}${reason ? `: ${reason}` : ""}`;
    }
    case "ShadowRegressed":
    case "ShadowInconclusive":
      return event.evidence.sentence;
    case "ReleaseRolledBack":
      return event.unacknowledged.length === 0
        ? event.sentence
        : `${event.sentence} Not acknowledged by ${event.unacknowledged.join(", ")}`;
    case "ReleaseAborted":
      return `aborted by ${event.author.id}: ${event.reason}`;
    case "OverrideExpired":
      return "its override has expired: the gate's answer holds again";
    case "BaselineRolledBack":
      return `ended by ${event.author.id}, who rolled the baseline back to ${event.to}: ${event.reason}`;
    case "ReleaseRequested":
      return `superseded by release ${event.releaseId}`;
    case "ReleaseCompleted":
      return phase === "completed"
        ? "at 100 %: the candidate is the new baseline"
        : `its bundle has become the baseline by release ${event.releaseId}`;
    default:
      return `ended as ${phase}`;
  }
};
