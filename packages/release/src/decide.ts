import { digestOf, policyDigest, type ReleaseEvent, type ReleaseEventType } from "@sluice/contracts";
import * as Result from "effect/Result";
import { type ApplicationState, findRelease, policyOf, stepShare } from "./application-state.ts";
import { apply } from "./apply.ts";
import type { ReleaseCommand } from "./command.ts";
import { eventIdOf } from "./event-id.ts";
import { overrideOf } from "./override-gate.ts";
import type { Refusal } from "./refusal.ts";

/**
 * The events that a command leads to, each legal after the one before it; or why it leads to none. Nothing is true until
 * the events are read back from the log: another decision may have come first.
 */
export const decide = (
  state: ApplicationState,
  command: ReleaseCommand,
): Result.Result<ReadonlyArray<ReleaseEvent>, Refusal> => {
  const events = eventsOf(state, command);
  let reached: Result.Result<ApplicationState, Refusal> = Result.succeed(state);
  for (const event of events) reached = Result.flatMap(reached, (before) => apply(before, event));
  return Result.map(reached, () => events);
};

const gateEvents = {
  passed: "OfflineGatePassed",
  blocked: "OfflineGateBlocked",
  inconclusive: "OfflineGateInconclusive",
  invalid: "OfflineGateInvalid",
} as const;

const shadowEvents = {
  passed: "ShadowPassed",
  regressed: "ShadowRegressed",
  inconclusive: "ShadowInconclusive",
} as const;

const operatorEvents = {
  PauseRelease: "ReleasePaused",
  ResumeRelease: "ReleaseResumed",
  AbortRelease: "ReleaseAborted",
} as const;

const eventsOf = (state: ApplicationState, command: ReleaseCommand): ReadonlyArray<ReleaseEvent> => {
  const { application, at } = command;
  if (command._tag === "RegisterApplication") {
    const { baseline, author } = command;
    const eventId = eventIdOf("ApplicationRegistered", application, baseline.digest);
    return [{ _tag: "ApplicationRegistered", eventId, application, at, baseline, author }];
  }
  if (command._tag === "RollBackBaseline") {
    const { to, author, reason, commandId } = command;
    const eventId = eventIdOf("BaselineRolledBack", application, commandId);
    return [{ _tag: "BaselineRolledBack", eventId, application, at, to, author, reason }];
  }

  if (command._tag === "FreezeReleases") {
    const { freezeId, scope, until, author, reason } = command;
    const eventId = eventIdOf("ReleasesFrozen", application, freezeId);
    return [{ _tag: "ReleasesFrozen", eventId, application, at, freezeId, scope, until, author, reason }];
  }
  if (command._tag === "StopReleases") {
    const { freezeId, scope, author, reason } = command;
    const eventId = eventIdOf("ReleasesStopped", application, freezeId);
    return [{ _tag: "ReleasesStopped", eventId, application, at, freezeId, scope, author, reason }];
  }
  if (command._tag === "LiftFreeze") {
    const { freezeId, author, reason } = command;
    const eventId = eventIdOf("ReleasesUnfrozen", application, freezeId);
    return [{ _tag: "ReleasesUnfrozen", eventId, application, at, freezeId, author, reason }];
  }
  if (command._tag === "RequestErasure" || command._tag === "ConcludeErasure") {
    const { _tag, ...content } = command;
    const tag = _tag === "RequestErasure" ? "ErasureRequested" : "PayloadsErased";
    return [{ _tag: tag, eventId: eventIdOf(tag, application, command.erasureId), ...content } as ReleaseEvent];
  }

  const { releaseId } = command;
  const release = findRelease(state, releaseId);
  const step = release?.step ?? 0;
  const head = <Tag extends ReleaseEventType>(tag: Tag, ...cause: ReadonlyArray<string | number>) => ({
    _tag: tag,
    eventId: eventIdOf(tag, application, releaseId, ...cause),
    application,
    releaseId,
    at,
  });
  const shareAt = (at: number) => (release ? stepShare(policyOf(release).canary, at) : null);
  // With an unknown release the digest does not matter: `apply` refuses the event.
  const policy = release ? policyDigest(policyOf(release)) : eventDigestOfNothing;

  switch (command._tag) {
    case "RequestRelease": {
      const { _tag, at: _, forecast, ...request } = command;
      // The whole wish is its cause: the same one again is a repetition, another under the same id must be refused.
      return [{ ...request, ...(forecast && { forecast }), ...head("ReleaseRequested", digestOf(request)) }];
    }
    case "RecordGateReport":
      return [{ ...head(gateEvents[command.report.verdict]), report: command.report, policyDigest: policy }];
    case "OverrideGate": {
      const { tag, terms } = overrideOf(release, command);
      return [{ ...head(tag, command.commandId), ...terms }];
    }
    case "ExpireOverride":
      return [head("OverrideExpired")];
    case "StartShadow":
      return [{ ...head("ShadowStarted"), sampleRate: release ? policyOf(release).shadow.sampleRate : 0 }];
    case "RecordShadowVerdict":
      return [{ ...head(shadowEvents[command.verdict]), evidence: command.evidence, policyDigest: policy }];
    case "StartCanary":
      return [{ ...head("CanaryStepStarted", 0), step: 0, share: shareAt(0) ?? 0 }];
    case "AdvanceCanary": {
      // The step that was judged, not the one reached meanwhile: evidence of one step never passes another.
      const judged = command.evidence.step;
      const share = shareAt(judged + 1);
      const passed: ReleaseEvent = {
        ...head("CanaryStepPassed", judged),
        step: judged,
        evidence: command.evidence,
        policyDigest: policy,
      };
      const successor: ReleaseEvent =
        share !== null
          ? { ...head("CanaryStepStarted", judged + 1), step: judged + 1, share }
          : { ...head("ReleaseCompleted"), baseline: release?.request.candidate.digest ?? policy };
      // A crash may have left the step passed without its successor: then only that is missing.
      return release?.stepPassed && release.step === judged ? [successor] : [passed, successor];
    }
    case "HoldCanary": {
      const { cause, waitsFor, until, evidence } = command;
      const held = evidence?.step ?? step;
      // A hold may come, go and come again: its number among the release's events tells one from the next.
      const eventHead = head("CanaryHeld", held, cause, release?.seen.length ?? 0);
      return [{ ...eventHead, step: held, cause, waitsFor, until, evidence, policyDigest: policy }];
    }
    case "EndHold":
      return [{ ...head("CanaryHoldEnded", step, release?.seen.length ?? 0), step }];
    case "BreachCanary": {
      const { cause, sentence, since, evidence, reportedBy } = command;
      const breached = evidence?.step ?? step;
      const breach = { step: breached, cause, sentence, since, evidence, policyDigest: policy };
      return [{ ...head("CanaryBreached"), ...breach, ...(reportedBy && { reportedBy }) }];
    }
    case "ConfirmMitigation": {
      const { routingVersion, gateways } = command;
      return [{ ...head("MitigationConfirmed"), routingVersion, gateways }];
    }
    case "RollBackRelease":
      return [
        {
          ...head("ReleaseRolledBack"),
          to: release?.baseline?.digest ?? policy,
          sentence: release?.breach?.sentence ?? "rolled back",
          unacknowledged: command.unacknowledged,
        },
      ];
    case "SkipHold": {
      const { author, reason, commandId } = command;
      return [{ ...head("HoldSkipped", commandId), author, reason, step }];
    }
    case "PauseRelease":
    case "ResumeRelease":
    case "AbortRelease": {
      const { author, reason, commandId } = command;
      return [{ ...head(operatorEvents[command._tag], commandId), author, reason }];
    }
    case "RecordPageSent":
      return [
        {
          ...head("PageSent", command.dedupKey),
          dedupKey: command.dedupKey,
          channel: command.channel,
          ...(command.notTakenBy.length > 0 && { notTakenBy: command.notTakenBy }),
        },
      ];
    case "RecordPageResolved":
      return [{ ...head("PageResolved", command.dedupKey), dedupKey: command.dedupKey, channel: command.channel }];
    case "RecordPageUndelivered": {
      const { dedupKey, sentence } = command;
      return [{ ...head("PageUndelivered", dedupKey), dedupKey, sentence }];
    }
    case "RecordNoticeSent": {
      const { dedupKey, channels } = command;
      return [{ ...head("NoticeSent", dedupKey), dedupKey, channels }];
    }
  }
};

const eventDigestOfNothing = `sha256:${"0".repeat(64)}`;
