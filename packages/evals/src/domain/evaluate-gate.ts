import type { GateReason, GateReport, OfflineEvidence, SliceResult } from "@sluice/contracts";
import type { CaseTable } from "./case-table.ts";
import { expectedFalseBlockRate } from "./expected-false-block-rate.ts";
import { type Headline, headlineCases, headlineResult } from "./headline-rule.ts";
import { minimumDetectableEffect } from "./minimum-detectable-effect.ts";
import type { OfflinePolicy } from "./offline-policy.ts";
import { pairedDifferences } from "./paired-differences.ts";
import {
  errorsSentence,
  headlineSentence,
  missingCandidateSentence,
  newCasesSentence,
  noCasesSentence,
  safetySentence,
  sliceSentence,
  tooFewCasesSentence,
  unjudgedSafetySentence,
} from "./reason-sentences.ts";
import { safetyRegressions } from "./safety-rule.ts";
import { sliceResults } from "./slice-rule.ts";

type Rule = GateReason["rule"];
type Verdict = GateReport["verdict"];

/**
 * The offline gate (design §2): blocks on a safety regression, on a slice that is down by more than 2 standard errors, and
 * on a headline that is down at p < 0.05, as the policy's modes and limits say. Unusable evidence (too many errors, cases
 * that the candidate does not answer, no cases) is `invalid` whatever the rules say. What blocks is reported even when there
 * are few cases; too few cases and nothing that blocks is `inconclusive`, never `passed`.
 *
 * Pure: equal tables and policies give equal reports, byte for byte.
 */
export const evaluateGate = (
  table: CaseTable,
  policy: OfflinePolicy,
  options: { readonly evidence?: OfflineEvidence | null } = {},
): GateReport => {
  const { cases } = table;
  const regressions = safetyRegressions(cases);
  const safetyCases = cases.reduce((count, pair) => count + (pair.safety ? 1 : 0), 0);
  const slices = sliceResults(cases, policy);
  const headline = headlineResult(cases);

  const unusable = unusableReasons(table, policy);
  const rules = [
    ...reason(policy.safety, "safety", regressions.length > 0 && safetySentence(regressions, safetyCases)),
    ...slices.flatMap((slice) => sliceReason(slice, policy)),
    ...reason(policy.headline, "headline", isHeadlineDown(headline, policy) && headlineSentence(headline, policy)),
  ];
  const tooFew = reason(
    "enforce",
    "cases",
    cases.length > 0 && cases.length < policy.minCases && tooFewCasesSentence(cases.length, policy),
  );
  return {
    verdict: verdictOf(unusable, rules, tooFew),
    reasons: [...unusable, ...rules, ...tooFew, ...remarks(table)],
    headline,
    safety: { cases: safetyCases, regressions },
    slices,
    cases: {
      paired: cases.length,
      errors: table.errored.length,
      unpaired: table.unpaired.baseline.length + table.unpaired.candidate.length,
    },
    minimumDetectableEffect: minimumDetectableEffect(pairedDifferences(headlineCases(cases)), policy.headlineAlpha),
    expectedFalseBlockRate: expectedFalseBlockRate(cases, policy),
    evidence: options.evidence ?? null,
  };
};

/** A report about evidence that could not even be tabulated: missing, undecodable, of other bundles, or stale. */
export const invalidGateReport = (rule: Rule, sentence: string, evidence: OfflineEvidence | null): GateReport => ({
  verdict: "invalid",
  reasons: [{ rule, enforced: true, sentence: oneLine(sentence) }],
  headline: null,
  safety: { cases: 0, regressions: [] },
  slices: [],
  cases: { paired: 0, errors: 0, unpaired: 0 },
  minimumDetectableEffect: null,
  expectedFalseBlockRate: null,
  evidence,
});

const verdictOf = (
  unusable: ReadonlyArray<GateReason>,
  rules: ReadonlyArray<GateReason>,
  tooFew: ReadonlyArray<GateReason>,
): Verdict => {
  if (unusable.length > 0) return "invalid";
  if (rules.some(({ enforced }) => enforced)) return "blocked";
  return tooFew.length > 0 ? "inconclusive" : "passed";
};

const reason = (
  mode: OfflinePolicy["safety"],
  rule: Rule,
  sentence: string | false,
  slice?: string,
): ReadonlyArray<GateReason> =>
  sentence === false || mode === "off"
    ? []
    : [{ rule, ...(slice !== undefined && { slice }), enforced: mode === "enforce", sentence: oneLine(sentence) }];

/** Names of cases and slices come from files: a sentence stays one line and steers no terminal. */
const oneLine = (sentence: string): string => sentence.replaceAll(/\p{Cc}+/gu, " ").slice(0, 4_000);

const sliceReason = (result: SliceResult, policy: OfflinePolicy): ReadonlyArray<GateReason> =>
  reason(policy.slices, "slice", result.breached && sliceSentence(result, policy), result.slice);

const isHeadlineDown = (headline: Headline | null, policy: OfflinePolicy): headline is Headline =>
  headline?.pValue != null && headline.pValue < policy.headlineAlpha;

const unusableReasons = (table: CaseTable, policy: OfflinePolicy): ReadonlyArray<GateReason> => {
  const { cases, errored, results, unpaired } = table;
  const caseShare = errored.length / Math.max(1, cases.length + errored.length);
  const resultShare = results.errors / Math.max(1, results.total);
  const tooManyErrors = Math.max(caseShare, resultShare) > policy.maxErrorShare;
  const isEmpty = cases.length + errored.length === 0;
  return [
    ...reason("enforce", "errors", tooManyErrors && errorsSentence(table, policy)),
    ...reason("enforce", "cases", unpaired.baseline.length > 0 && missingCandidateSentence(unpaired.baseline)),
    ...reason("enforce", "cases", isEmpty && unpaired.baseline.length === 0 && noCasesSentence),
  ];
};

/** Worth knowing, but no part of the verdict. */
const remarks = (table: CaseTable): ReadonlyArray<GateReason> => {
  const unjudged = table.errored.filter(({ safety }) => safety).map(({ caseId }) => caseId);
  const fresh = table.unpaired.candidate;
  return [
    ...reason("warn", "errors", unjudged.length > 0 && unjudgedSafetySentence(unjudged)),
    ...reason("warn", "cases", fresh.length > 0 && newCasesSentence(fresh)),
  ];
};
