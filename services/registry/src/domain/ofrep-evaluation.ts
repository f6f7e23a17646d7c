import { assignArm } from "@sluice/assignment";
import type { OfrepEvaluation, ReleaseState } from "@sluice/contracts";

/** The candidate as gateways were last told to serve it; null while there is none, or while nobody watches it. */
export interface ServedCandidate {
  readonly releaseId: string;
  readonly share: number;
  readonly salt: string;
}

/**
 * What a service that asks for `key` should serve: the same arm as a gateway gives that key. The fold and the routing have
 * both to allow the candidate: a breach counts from the moment it is in the log, a rise once gateways are told of it.
 * Undefined while the application has no baseline.
 */
export const evaluateOfrep = (
  state: ReleaseState,
  served: ServedCandidate | null,
  key: string,
): OfrepEvaluation | undefined => {
  if (!state.baseline) return undefined;
  const { active } = state;
  const share = active && served?.releaseId === active.releaseId ? Math.min(active.share, served.share) : 0;
  const arm = served ? assignArm({ share, salt: served.salt }, key) : "baseline";
  const bundle = arm === "candidate" && active ? active.candidate : state.baseline.digest;
  return {
    key: state.application,
    value: bundle,
    reason: share > 0 && share < 1 ? "SPLIT" : "STATIC",
    variant: arm,
    metadata: {
      bundle,
      ...(active && { release: active.releaseId, phase: active.phase }),
      ...(active && active.step !== null && { step: active.step }),
    },
  };
};
