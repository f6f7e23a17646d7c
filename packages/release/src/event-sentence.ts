import type { ReleaseEvent, ReleaseEventOf } from "@sluice/contracts";
import { amount, withMinusSigns } from "./words.ts";

const percent = (share: number): string => `${Number((share * 100).toFixed(2))} %`;

/** That all can be seen is as it should be; anything else is worth a sentence. */
const forecastOf = ({ forecast }: ReleaseEventOf<"ReleaseRequested">): string =>
  forecast && forecast.outcome !== "seen" ? `. ${forecast.sentence}` : "";

/** What the evidence says of itself, behind what it led to. */
const found = (what: string, sentence: string | undefined): string =>
  withMinusSigns(`${what} ${sentence ?? ""}`.trim());

/**
 * One event as a person would tell it; the evidence speaks for itself where it has a sentence. What people wrote is in it as
 * they wrote it: who shows it on a terminal or a page makes it harmless there.
 */
export const eventSentence = (event: ReleaseEvent): string => {
  switch (event._tag) {
    case "ApplicationRegistered":
      return `registered by ${event.author.id}`;
    case "ReleaseRequested":
      return `requested by ${event.author.id} for ${event.team}${event.description ? `: ${event.description}` : ""}${forecastOf(event)}`;
    case "OfflineGatePassed":
      return "offline gate passed";
    case "OfflineGateBlocked":
    case "OfflineGateInconclusive":
    case "OfflineGateInvalid":
      return found(
        `offline gate: ${event.report.verdict}.`,
        event.report.reasons.find((reason) => reason.enforced)?.sentence,
      );
    case "OverrideProposed":
      return `override proposed by ${event.author.id}, to be confirmed by a second person${termsOf(event)}: ${event.reason}`;
    case "GateOverridden": {
      const by = event.proposedBy ? `${event.proposedBy.id} and ${event.author.id}` : event.author.id;
      return `gate overridden by ${by}${termsOf(event)}: ${event.reason}`;
    }
    case "OverrideExpired":
      return "the override's time is over: blocked again, all traffic on the baseline";
    case "ShadowStarted":
      return `shadow: ${percent(event.sampleRate)} of the baseline's requests are copied to the candidate`;
    case "ShadowPassed":
      return found("shadow passed.", event.evidence.sentence);
    case "ShadowRegressed":
      return found("shadow regressed.", event.evidence.sentence);
    case "ShadowInconclusive":
      return found("shadow inconclusive.", event.evidence.sentence);
    case "CanaryStepStarted":
      return `canary at ${percent(event.share)}`;
    case "CanaryStepPassed":
      return found("step passed.", event.evidence.sentence);
    case "CanaryHeld":
      return `held (${event.cause}): waits for ${event.waitsFor} until ${event.until}`;
    case "CanaryHoldEnded":
      return "no longer held";
    case "CanaryBreached":
      return found(`breach (${event.cause}):`, event.sentence);
    case "MitigationConfirmed":
      return `pinned to the baseline, confirmed by ${amount(event.gateways.length, "gateway")}`;
    case "ReleaseRolledBack":
      return event.unacknowledged.length > 0
        ? `rolled back; not confirmed by ${event.unacknowledged.join(", ")}`
        : "rolled back";
    case "ReleaseCompleted":
      return "at 100 %: the candidate is the new baseline";
    case "ReleasePaused":
      return `paused by ${event.author.id}: ${event.reason}`;
    case "ReleaseResumed":
      return `resumed by ${event.author.id}: ${event.reason}`;
    case "HoldSkipped":
      return `hold skipped by ${event.author.id}: ${event.reason}`;
    case "ReleaseAborted":
      return `aborted by ${event.author.id}: ${event.reason}`;
    case "BaselineRolledBack":
      return `baseline rolled back to ${event.to.slice(0, 19)}… by ${event.author.id}: ${event.reason}`;
    case "PageSent":
      return event.notTakenBy
        ? `page sent (${event.channel}), after ${event.notTakenBy.join(", ")} did not take it`
        : `page sent (${event.channel})`;
    case "PageResolved":
      return `page resolved (${event.channel})`;
    case "PageUndelivered":
      return `NOT DELIVERED so far: ${event.dedupKey} (${event.sentence})`;
    case "NoticeSent":
      return event.channels.length > 0
        ? `its end was told (${event.channels.join(", ")})`
        : "no channel is set up to be told of its end";
    case "ReleasesFrozen":
      return `frozen${event.until ? ` until ${event.until}` : ""}${event.author ? ` by ${event.author.id}` : ""}: ${event.reason}`;
    case "ReleasesStopped":
      return `EMERGENCY STOP by ${event.author.id}: ${event.reason}`;
    case "ReleasesUnfrozen":
      return `unfrozen${event.author ? ` by ${event.author.id}` : ""}: ${event.reason}`;
    case "ErasureRequested":
      return `erasure of ${amount(event.clusterKeys.length, "cluster key")} and ${amount(event.artifacts.length, "artifact")} requested by ${event.author.id}: ${event.reason}`;
    case "PayloadsErased":
      return `texts of ${amount(event.observations, "observation")} and ${amount(event.judgements, "judgement")} and ${amount(event.artifacts, "artifact")} erased`;
  }
};

const termsOf = ({ incident, expiresAt }: ReleaseEventOf<"OverrideProposed" | "GateOverridden">): string =>
  [expiresAt && ` until ${expiresAt}`, incident && ` (${incident})`].filter(Boolean).join("");
