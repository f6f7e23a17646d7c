import { assignArm } from "@sluice/assignment";
import type { Arm, Digest, Observation, Routing } from "@sluice/contracts";
import { isUnwatched, type KnownRouting } from "./routing-table.ts";

type Candidate = NonNullable<Routing["candidate"]>;

export interface ArmChoice {
  readonly arm: Arm;
  readonly role: Observation["role"];
  readonly assignedBundle: Digest;
  readonly bundle: Candidate["bundle"];
  readonly releaseId: string | null;
  /** The key would have been on the candidate, had anybody been watching it. */
  readonly withheld: boolean;
}

/**
 * The arm of a user's request. Share 0, no candidate and an unwatched candidate all mean the baseline. While a candidate's
 * traffic is withheld nothing is compared: requests that were assigned to it are on the baseline, so neither they nor the
 * others are the release's.
 */
export const chooseArm = (known: KnownRouting, assignmentKey: string, nowMs: number): ArmChoice => {
  const { candidate } = known.routing;
  const assigned = assignArm(candidate, assignmentKey);
  const unwatched = candidate !== null && candidate.share > 0 && isUnwatched(known, candidate, nowMs);
  if (!unwatched) return choiceOf(known, assigned, "user", false);
  return { ...choiceOf(known, "baseline", "user", assigned === "candidate"), releaseId: null };
};

/** The arm a tester asked for by name; null where no candidate is routed. */
export const chooseArmByName = (known: KnownRouting, arm: Arm): ArmChoice | null =>
  arm === "candidate" && known.routing.candidate === null ? null : choiceOf(known, arm, "probe", false);

const choiceOf = ({ routing }: KnownRouting, arm: Arm, role: ArmChoice["role"], withheld: boolean): ArmChoice => {
  const routed = arm === "candidate" && routing.candidate ? routing.candidate : routing.baseline;
  return {
    arm,
    role,
    assignedBundle: routed.digest,
    bundle: routed.bundle,
    releaseId: routing.candidate?.releaseId ?? null,
    withheld,
  };
};
