import type { Policy } from "@sluice/contracts";
import { amount, lengthOfTime } from "@sluice/release/words";

/** What is known of a shadow when a decision is asked for. */
export interface ShadowFacts {
  readonly startedAtMs: number;
  /** Mirrored requests looked at. */
  readonly requests: number;
  /** Independent differences: pairs of one conversation count once. */
  readonly conversations: number;
  readonly pairs: number;
  readonly judgeErrors: number;
  /** The sequential test shows a regression. */
  readonly rejected: boolean;
  /** What the judge says is told and decides nothing: the shadow passes on counts alone. */
  readonly reportOnly: boolean;
  readonly paused: boolean;
}

export type ShadowDecision =
  | { readonly decision: "passed" | "regressed" | "inconclusive" }
  | { readonly decision: "wait"; readonly for: string };

/**
 * The rules of the shadow (design §2). A regression counts at any time, because the test may be looked at as often as one
 * likes. A pass needs time or requests (or both, by policy), enough pairs and a judge that mostly answered. At the deadline
 * too little is inconclusive. Of a judge that may only report neither scores nor failures count. Pure; `nowMs` is epoch milliseconds.
 */
export const decideShadow = (policy: Policy["shadow"], facts: ShadowFacts, nowMs: number): ShadowDecision => {
  if (facts.rejected && !facts.reportOnly) return { decision: "regressed" };
  const elapsedSeconds = (nowMs - facts.startedAtMs) / 1_000;
  const missing = missingFor(policy, facts, elapsedSeconds);
  if (missing === null)
    return facts.paused ? { decision: "wait", for: "an operator to resume the release" } : { decision: "passed" };
  if (elapsedSeconds >= policy.deadlineSeconds) return { decision: "inconclusive" };
  return { decision: "wait", for: missing };
};

/** Share of the pairs that the judge could not score. */
export const judgeErrorShare = ({ pairs, judgeErrors }: Pick<ShadowFacts, "pairs" | "judgeErrors">): number =>
  pairs + judgeErrors === 0 ? 0 : judgeErrors / (pairs + judgeErrors);

const missingFor = (policy: Policy["shadow"], facts: ShadowFacts, elapsedSeconds: number): string | null => {
  const timeLeft = Math.ceil(policy.minDurationSeconds - elapsedSeconds);
  const requestsLeft = policy.minRequests - facts.requests;
  const enough = policy.enough === "either" ? timeLeft <= 0 || requestsLeft <= 0 : timeLeft <= 0 && requestsLeft <= 0;
  if (!enough) {
    const both = timeLeft > 0 && requestsLeft > 0;
    const time = timeLeft > 0 ? lengthOfTime(timeLeft) : "";
    const requests = requestsLeft > 0 ? amount(requestsLeft, "more mirrored request") : "";
    return [time, both ? (policy.enough === "either" ? "or" : "and") : "", requests].filter(Boolean).join(" ");
  }
  if (facts.reportOnly)
    return facts.requests < policy.minPairs ? amount(policy.minPairs - facts.requests, "more mirrored request") : null;
  if (facts.conversations < policy.minPairs)
    return `${amount(policy.minPairs - facts.conversations, "more judged pair")} of different conversations`;
  const errorShare = judgeErrorShare(facts);
  if (errorShare > policy.maxErrorShare)
    return `the judge to answer: it failed on ${(100 * errorShare).toFixed(1)} % of the pairs, policy allows ${100 * policy.maxErrorShare} %`;
  return null;
};
