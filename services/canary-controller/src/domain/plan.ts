import { epochMsOf, type Timestamp } from "@sluice/contracts";
import { type ApplicationState, policyOf, type Release, type ReleaseCommand } from "@sluice/release";
import { decideStep, type StepDecision, type StepFacts } from "./decide-step.ts";
import type { Mitigation } from "./gateway-book.ts";

/** What the controller knows beside the log, as far as the release's phase needs it. */
export interface Facts {
  /** Of the present canary step; null outside of one, or while it cannot be told. */
  readonly step: Pick<StepFacts, "evaluation" | "fault"> | null;
  readonly mitigation: Mitigation;
  /** Evidence of the present step once it has passed: needed when only its successor is missing. */
  readonly passedEvidence: Extract<StepDecision, { _tag: "advance" }>["evidence"] | null;
}

/** The commands that the state and the facts call for. Repeating them changes nothing: event ids come from the cause. */
export const plan = (state: ApplicationState, now: Timestamp, facts: Facts): ReadonlyArray<ReleaseCommand> => {
  const release = state.active;
  if (!release) return [];
  const head = { application: state.application, releaseId: release.releaseId, at: now };
  switch (release.phase) {
    case "shadow-passed":
      return release.standsStillSince ? [] : [{ _tag: "StartCanary", ...head }];
    case "canary":
      if (!release.stepPassed) return facts.step ? stepCommands(head, { release, now, ...facts.step }) : [];
      return betweenSteps(head, { release, now, evaluation: null, fault: null, ...facts.step }, facts.passedEvidence);
    case "breached":
      return mitigationCommands(state.version, head, release, now, facts.mitigation);
    default:
      return [];
  }
};

type Head = { readonly application: string; readonly releaseId: string; readonly at: Timestamp };

const stepCommands = (head: Head, facts: StepFacts): ReadonlyArray<ReleaseCommand> => {
  const decision = decideStep(facts);
  switch (decision._tag) {
    case "advance":
      return [{ ...head, ...decision, _tag: "AdvanceCanary" }];
    case "hold":
      return [{ ...head, ...decision, _tag: "HoldCanary" }];
    case "end-hold":
      return [{ ...head, _tag: "EndHold" }];
    case "breach":
      return [{ ...head, ...decision, _tag: "BreachCanary" }];
    case "wait":
      return [];
  }
};

/**
 * A step has passed and its successor has not started: a crash came between, or a pause. Its users are still on the
 * candidate, so a breach counts; nothing else can be decided about a step that has passed.
 */
const betweenSteps = (
  head: Head,
  facts: StepFacts,
  evidence: Facts["passedEvidence"],
): ReadonlyArray<ReleaseCommand> => {
  const commands = facts.evaluation?.breach ? stepCommands(head, facts) : [];
  if (commands.length > 0 || facts.release.standsStillSince || !evidence) return commands;
  return [{ _tag: "AdvanceCanary", ...head, evidence }];
};

/**
 * Mitigation is confirmed when every gateway that may have served the candidate serves the pin; then the release is
 * rolled back. A gateway that does not
 * answer in time is named in the rollback, which does not wait for it any longer.
 */
const mitigationCommands = (
  routingVersion: number,
  head: Head,
  release: Release,
  now: Timestamp,
  { gateways, unacknowledged }: Mitigation,
): ReadonlyArray<ReleaseCommand> => {
  if (release.mitigatedAt) return [{ _tag: "RollBackRelease", ...head, unacknowledged: [] }];
  if (unacknowledged.length === 0 && gateways.length > 0)
    return [{ _tag: "ConfirmMitigation", ...head, routingVersion, gateways }];
  const { mitigationDeadlineSeconds } = policyOf(release).canary;
  const expired = epochMsOf(now) - epochMsOf(release.since) >= mitigationDeadlineSeconds * 1_000;
  return expired ? [{ _tag: "RollBackRelease", ...head, unacknowledged }] : [];
};
