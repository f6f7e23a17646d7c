import { drawBinomial } from "../random/draws.ts";
import type { RandomSource } from "../random/random-source.ts";
import type { PerQuantile } from "../sequential/exceedance.ts";
import { drawArm, drawQuantiles, type Kind, plainKind } from "./arm.ts";
import { type ArmMinute, addArms, emptyArm, type Minute } from "./minute.ts";
import { type Conditions, drifting, type Fault, noFault, steady } from "./world.ts";

export type Traffic = "steady" | "drifting" | "clustered";

export type RolloutPlan = {
  readonly traffic: Traffic;
  readonly requestsPerMinute: number;
  /** Candidate's share of new units in each minute; its length is the rollout's. */
  readonly shares: ReadonlyArray<number>;
  readonly fault: Fault;
};

/** A minute twice: every request counted, and every conversation counted once, when it begins. */
export type SimulatedMinute = { readonly byRequest: Minute; readonly byConversation: Minute };

/** 1 → 5 → 25 → 100 % with 30 minutes each; the last step keeps 5 % on the baseline to compare with. */
export const rampShares: ReadonlyArray<number> = [0.01, 0.05, 0.25, 0.95].flatMap((share) =>
  Array.from({ length: 30 }, () => share),
);

/** Share of requests that are judged. */
export const JUDGED_SHARE = 0.1;

// Clustered traffic: conversations of five requests on average, one a minute. Most trouble sits in a few of them, so that two
// requests of one conversation fail together far more often than two of different ones.
const STAY = 0.8;
const conversationKinds: ReadonlyArray<{ readonly share: number; readonly kind: Kind }> = [
  { share: 0.03, kind: { errors: 0.3, refusals: 0.005, flags: 0.0005, logLatency: 0, scoreShift: 0 } },
  { share: 0.05, kind: { errors: 0.001, refusals: 0.5, flags: 0.0005, logLatency: 0, scoreShift: 0 } },
  { share: 0.004, kind: { errors: 0.001, refusals: 0.005, flags: 0.5, logLatency: 0, scoreShift: 0 } },
  { share: 0.1, kind: { errors: 0.001, refusals: 0.005, flags: 0.0005, logLatency: 0.6, scoreShift: 0 } },
  { share: 0.06, kind: { errors: 0.001, refusals: 0.005, flags: 0.0005, logLatency: 0, scoreShift: 0.45 } },
  { share: 0.756, kind: { errors: 0.001, refusals: 0.005, flags: 0.0005, logLatency: 0, scoreShift: 0 } },
];

type ArmOfMinute = (
  arm: "baseline" | "candidate",
  arriving: number,
  conditions: Conditions,
  fault: Fault,
  thresholdsMs: PerQuantile | null,
) => { readonly byRequest: ArmMinute; readonly byConversation: ArmMinute };

const independentArm =
  (random: RandomSource): ArmOfMinute =>
  (_, arriving, conditions, fault, thresholdsMs) => {
    const judged = drawBinomial(random, arriving, JUDGED_SHARE);
    const minute = drawArm(random, arriving, judged, plainKind, conditions, fault, thresholdsMs);
    return { byRequest: minute, byConversation: minute };
  };

const clusteredArm = (random: RandomSource, requestsPerMinute: number): ArmOfMinute => {
  // Conversations under way, by kind; at the start all of them are on the baseline.
  const active = {
    baseline: conversationKinds.map(({ share }) => drawBinomial(random, requestsPerMinute, share)),
    candidate: conversationKinds.map(() => 0),
  };
  return (arm, arriving, conditions, fault, thresholdsMs) => {
    let byRequest = emptyArm;
    let byConversation = emptyArm;
    let left = arriving;
    let share = 1;
    conversationKinds.forEach(({ share: own, kind }, i) => {
      const begun = i === conversationKinds.length - 1 ? left : drawBinomial(random, left, Math.min(1, own / share));
      left -= begun;
      share -= own;
      const going = drawBinomial(random, active[arm][i] as number, STAY);
      active[arm][i] = begun + going;
      // The same requests in both views: those that begin a conversation, and the others.
      const first = drawArm(random, begun, drawBinomial(random, begun, 0.5), kind, conditions, fault, thresholdsMs);
      const later = drawArm(random, going, 0, kind, conditions, fault, thresholdsMs);
      byConversation = addArms(byConversation, first);
      byRequest = addArms(addArms(byRequest, first), later);
    });
    return { byRequest, byConversation };
  };
};

/** Simulates a rollout minute by minute; the caller passes the thresholds in force for the next minute. */
export const simulateRollout = (
  random: RandomSource,
  plan: RolloutPlan,
): ((thresholdsMs: PerQuantile | null) => SimulatedMinute) => {
  const minutes = plan.shares.length;
  const conditions = plan.traffic === "drifting" ? drifting(random, minutes) : plan.shares.map(() => steady);
  const clustered = plan.traffic === "clustered";
  const drawMinute = clustered ? clusteredArm(random, plan.requestsPerMinute) : independentArm(random);
  const arrivals = clustered ? plan.requestsPerMinute * (1 - STAY) : plan.requestsPerMinute;
  let at = 0;
  return (thresholdsMs) => {
    const now = conditions[at] as Conditions;
    const arriving = Math.round(arrivals * now.volume);
    const toCandidate = drawBinomial(random, arriving, plan.shares[at] as number);
    const fault = at >= plan.fault.fromMinute ? plan.fault : noFault;
    const baseline = drawMinute("baseline", arriving - toCandidate, now, noFault, thresholdsMs);
    const candidate = drawMinute("candidate", toCandidate, now, fault, thresholdsMs);
    const baselineQuantilesMs = drawQuantiles(random, Math.max(1, arriving - toCandidate), now);
    at++;
    return {
      byRequest: { baseline: baseline.byRequest, candidate: candidate.byRequest, baselineQuantilesMs },
      byConversation: {
        baseline: baseline.byConversation,
        candidate: candidate.byConversation,
        baselineQuantilesMs,
      },
    };
  };
};
