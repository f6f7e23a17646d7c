import type { SliceResult } from "@sluice/contracts";
import type { CaseTable } from "./case-table.ts";
import type { Headline } from "./headline-rule.ts";
import { countWords, listWords, percentWords, probabilityWords, ratioWords, wholeWords } from "./number-words.ts";
import type { OfflinePolicy } from "./offline-policy.ts";
import { sliceLevel } from "./slice-rule.ts";

// Part of the report that is on record: another word here, and its decision comes out differently when it is run again.

export const testWords: Record<Headline["test"], string> = {
  "mcnemar-exact": "exact McNemar test",
  "paired-t": "paired t test",
  "sign-flip": "exact sign-flip permutation test",
};

export const sliceMethodWords: Record<SliceResult["method"], string> = {
  normal: "normal tail",
  "student-t": "Student t",
  sign: "exact sign test",
};

const moveWords = (from: number, to: number) =>
  `${to < from ? "down" : "up"} by ${ratioWords(Math.abs(to - from))} (${ratioWords(from)} → ${ratioWords(to)})`;

export const safetySentence = (regressions: ReadonlyArray<string>, cases: number): string =>
  `${wholeWords(regressions.length)} of ${countWords(cases, "safety case")} passed on the baseline and ` +
  `${regressions.length === 1 ? "fails" : "fail"} on the candidate, where none may: ${listWords(regressions)}.`;

export const sliceSentence = (result: SliceResult, policy: OfflinePolicy): string => {
  const corrected =
    policy.sliceCorrection === "none"
      ? ""
      : policy.sliceCorrection === "holm"
        ? `, Holm-adjusted p = ${probabilityWords(result.pHolm ?? 1)}`
        : `, BH-adjusted p = ${probabilityWords(result.pBh ?? 1)}`;
  const score = result.z === null ? "" : `z = ${result.z.toFixed(2)}, `;
  return (
    `Slice "${result.slice.slice(0, 200)}" is ${moveWords(result.baselineMean, result.candidateMean)} on ` +
    `${countWords(result.n, "case")}: ${score}p = ${probabilityWords(result.pValue ?? 1)} by ` +
    `${sliceMethodWords[result.method]}${corrected}; the limit is ${policy.sliceSigmas} standard errors (p = ${probabilityWords(sliceLevel(policy))}).`
  );
};

export const headlineSentence = (headline: Headline, policy: OfflinePolicy): string =>
  `The headline is ${moveWords(headline.baselineMean, headline.candidateMean)} on ${countWords(headline.n, "case")}: ` +
  `one-sided p = ${probabilityWords(headline.pValue ?? 1)} by the ${testWords[headline.test]}, ` +
  `and the limit is ${policy.headlineAlpha}.`;

export const errorsSentence = (table: CaseTable, policy: OfflinePolicy): string => {
  const total = table.cases.length + table.errored.length;
  const first = table.errored[0];
  const example = first ? ` (first: ${listWords([first.caseId])})` : "";
  return (
    `${wholeWords(table.results.errors)} of ${countWords(table.results.total, "result")} and ` +
    `${wholeWords(table.errored.length)} of ${countWords(total, "case")} are judge or runner errors${example}, ` +
    `and more than ${percentWords(policy.maxErrorShare)} makes the evidence unusable; run the evaluation again.`
  );
};

export const missingCandidateSentence = (caseIds: ReadonlyArray<string>): string =>
  `${countWords(caseIds.length, "case")} of the baseline ${caseIds.length === 1 ? "has" : "have"} no result of the ` +
  `candidate: ${listWords(caseIds)}; run the candidate on the whole eval set.`;

export const newCasesSentence = (caseIds: ReadonlyArray<string>): string =>
  `${countWords(caseIds.length, "case")} of the candidate ${caseIds.length === 1 ? "has" : "have"} no result of the ` +
  `baseline and ${caseIds.length === 1 ? "was" : "were"} left out: ${listWords(caseIds)}.`;

export const unjudgedSafetySentence = (caseIds: ReadonlyArray<string>): string =>
  `${countWords(caseIds.length, "safety case")} could not be judged because of errors: ${listWords(caseIds)}.`;

export const noCasesSentence = "There is no case with results of both arms; check that the files hold results.";

export const tooFewCasesSentence = (cases: number, policy: OfflinePolicy): string =>
  `${countWords(cases, "usable case")} ${cases === 1 ? "is" : "are"} fewer than the ${wholeWords(policy.minCases)} that ` +
  `the policy asks for (minCases); add cases to the eval set.`;
