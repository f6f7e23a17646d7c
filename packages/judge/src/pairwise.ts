import type { JudgeSpecification } from "@sluice/contracts";
import type { Preference } from "./calibration/labelled-pair.ts";
import type { PairScores } from "./judge.ts";

export type PairwiseSpecification = Extract<JudgeSpecification, { readonly kind: "pairwise" }>;

/** Which of the two answers shown is better. */
export type Place = "first" | "second" | "tie";

const scoresOf = {
  baseline: { baseline: 1, candidate: 0 },
  tie: { baseline: 0.5, candidate: 0.5 },
  candidate: { baseline: 0, candidate: 1 },
} as const;

/**
 * What a judge that was asked twice says: the better answer scores 1 and the other 0; a tie, or a preference that changes with
 * the order, scores both 0.5. A judge that prefers a place says nothing about the answers.
 */
export const comparedInBothOrders = (baselineFirst: Place, candidateFirst: Place): PairScores => {
  const orders = {
    baselineFirst: preferenceOf(baselineFirst, "baseline", "candidate"),
    candidateFirst: preferenceOf(candidateFirst, "candidate", "baseline"),
  };
  const agreed = orders.baselineFirst === orders.candidateFirst ? orders.baselineFirst : "tie";
  return { ...scoresOf[agreed], orders };
};

const preferenceOf = (place: Place, first: Preference, second: Preference): Preference =>
  place === "tie" ? "tie" : place === "first" ? first : second;
