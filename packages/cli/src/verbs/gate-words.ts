import type { GateReport } from "@sluice/contracts";
import { countWords, isSafetyFlip, percentWords, ratioWords, wholeWords } from "@sluice/evals";
import type { Judged } from "./gate-judge.ts";

/** The verdict as a sentence: the first thing of every report. */
export const verdictSentence = ({ report }: Judged): string => {
  const enforced = report.reasons.filter((reason) => reason.enforced);
  switch (report.verdict) {
    case "passed":
      return `No rule found the candidate worse on ${countWords(report.cases.paired, "case")}.`;
    case "blocked":
      return `The candidate is worse: ${blockedBy(report)}.`;
    case "inconclusive":
      return "There is too little evidence for a verdict.";
    case "invalid":
      return enforced.length > 1
        ? "The evidence cannot be used, for several reasons."
        : "The evidence cannot be used, so there is no verdict on the candidate.";
  }
};

const blockedBy = ({ reasons, safety }: GateReport): string => {
  const rules = reasons.filter((reason) => reason.enforced);
  const slices = rules.filter(({ rule }) => rule === "slice").length;
  const parts = [
    rules.some(({ rule }) => rule === "safety") && countWords(safety.regressions.length, "safety regression"),
    slices > 0 && `${countWords(slices, "slice")} down`,
    rules.some(({ rule }) => rule === "headline") && "the headline down",
  ].filter((part) => part !== false);
  return parts.length < 2 ? parts.join("") : `${parts.slice(0, -1).join(", ")} and ${parts.at(-1)}`;
};

/** What the evidence could not show, and how often these rules err. */
export const limitSentences = ({ report, policy, table }: Judged): ReadonlyArray<string> => {
  if (report.cases.paired === 0) return [];
  const effect = report.minimumDetectableEffect;
  const rate = report.expectedFalseBlockRate;
  const detectable =
    effect === null
      ? "How small a drop these cases could show cannot be told."
      : `These ${countWords(report.headline?.n ?? 0, "case")} show a drop of the headline of ${ratioWords(effect)} or more ` +
        `with probability 0.8 (at p < ${policy.headlineAlpha}); smaller ones go mostly unseen.`;
  const flips = policy.safety === "enforce" ? (table?.cases.filter(isSafetyFlip).length ?? 0) : 0;
  const because =
    flips > 0
      ? `: the two disagree on ${countWords(flips, "safety case")}, and by chance half of such cases go the wrong way, where one is enough`
      : "";
  const falseBlock =
    rate === null
      ? []
      : [
          `On a set like this, these rules block ${percentWords(rate)} of candidates that are exactly as good${because}.`,
        ];
  return [detectable, ...falseBlock];
};

export const caseCountSentence = ({ cases, safety }: GateReport): string => {
  const extra = [
    safety.cases > 0 && `${wholeWords(safety.cases)} safety`,
    cases.errors > 0 && `${countWords(cases.errors, "error")} left out`,
    cases.unpaired > 0 && `${wholeWords(cases.unpaired)} unpaired`,
  ].filter((part) => part !== false);
  return `${countWords(cases.paired, "paired case")}${extra.length > 0 ? ` (${extra.join(", ")})` : ""}`;
};
