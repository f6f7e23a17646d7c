import type { JudgeSpecification } from "@sluice/contracts";

export type EnsembleSpecification = Extract<JudgeSpecification, { readonly kind: "ensemble" }>;

/** One score of several, of which there is at least one. Of an even number the median is the mean of the middle two. */
export const combined = (how: EnsembleSpecification["combine"], scores: ReadonlyArray<number>): number => {
  if (how === "mean") return scores.reduce((sum, score) => sum + score, 0) / scores.length;
  const sorted = [...scores].sort((a, b) => a - b);
  const [low, high] = [sorted[(sorted.length - 1) >> 1] ?? 0, sorted[sorted.length >> 1] ?? 0];
  return (low + high) / 2;
};
