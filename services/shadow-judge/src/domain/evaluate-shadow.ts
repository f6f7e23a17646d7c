import { type Digest, epochMsOf, type Policy, type ShadowEvidence, type ShadowInputs } from "@sluice/contracts";
import { type HybridEvidence, hybrid } from "@sluice/statistics";
import { decideShadow, judgeErrorShare, type ShadowDecision } from "./decide-shadow.ts";
import { differenceOf, initialTest } from "./pair-series.ts";

export interface EvaluatedShadow {
  readonly decision: ShadowDecision["decision"];
  readonly evidence: ShadowEvidence;
}

/**
 * The decision and its evidence, as a pure function of the inputs and the policy: the same call makes the decision and
 * replays it, so a replay comes to the same bytes. `inputsDigest` is the address under which the inputs are stored.
 */
export const evaluateShadow = (inputs: ShadowInputs, policy: Policy, inputsDigest: Digest): EvaluatedShadow => {
  const { alpha } = policy.shadow;
  const differences = inputs.scores.map(differenceOf);
  const test = hybrid.evidence(hybrid.update(initialTest(policy.shadow), { differences }));
  const { decision } = decideShadow(
    policy.shadow,
    {
      startedAtMs: epochMsOf(inputs.startedAt),
      requests: inputs.requests,
      conversations: inputs.scores.length,
      pairs: inputs.pairs,
      judgeErrors: inputs.judgeErrors,
      rejected: test.rejected,
      reportOnly: inputs.judgeReport?.reportOnly ?? false,
      paused: false,
    },
    epochMsOf(inputs.decidedAt),
  );
  const { kind: _, version: __, scores, ...counts } = inputs;
  const evidence = {
    ...counts,
    baselineMean: mean(scores.map(([baseline]) => baseline)),
    candidateMean: mean(scores.map(([, candidate]) => candidate)),
    meanDifference: mean(differences),
    interval: test.interval,
    method: methodOf(test),
    // The highest so far: that is what a rejection rests on.
    logE: test.peakLogE,
    logThreshold: Math.log(2 / alpha),
    alpha,
    inputs: inputsDigest,
  };
  const sentence = sentenceOf(decision, evidence, policy.shadow, test.rejected);
  return { decision, evidence: { ...evidence, sentence } };
};

const mean = (values: ReadonlyArray<number>): number | null =>
  values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;

const methodOf = ({ obrienFleming, rejectedBy }: HybridEvidence): string => {
  const half = obrienFleming.score === null ? "no spread yet" : `score ${obrienFleming.score.toFixed(3)}`;
  const by = rejectedBy.length === 0 ? "" : `; rejected by ${rejectedBy.join(" and ")}`;
  return `paired betting e-process at alpha/2 and O'Brien–Fleming at alpha/2 (${half}, boundary -${obrienFleming.boundary.toFixed(3)})${by}`;
};

type Numbers = Omit<ShadowEvidence, "sentence">;

/** Part of the evidence: another word here, and every shadow on record comes out differently when it is run again. */
const sentenceOf = (
  decision: ShadowDecision["decision"],
  evidence: Numbers,
  policy: Policy["shadow"],
  rejected: boolean,
): string => {
  const { baselineMean, candidateMean, pairs } = evidence;
  const means =
    baselineMean === null || candidateMean === null
      ? "no pair was judged"
      : `mean judge score ${baselineMean.toFixed(3)} → ${candidateMean.toFixed(3)} over ${pairs} pairs`;
  const seconds = (epochMsOf(evidence.decidedAt) - epochMsOf(evidence.startedAt)) / 1_000;
  const beyond = policy.margin === 0 ? "" : ` by more than ${policy.margin}`;
  const { judgeReport } = evidence;
  if (decision === "passed" && judgeReport?.reportOnly) {
    const finding = rejected ? `the candidate is worse${beyond} at alpha ${policy.alpha}` : "no regression";
    return `Passed on counts alone, because the judge may only report (${judgeReport.reason}). It reports ${finding}: ${means} in ${seconds} s.`;
  }
  switch (decision) {
    case "passed":
      return `The candidate is not shown to be worse${beyond}: ${means} in ${seconds} s.`;
    case "regressed":
      return `The candidate is worse${beyond} at alpha ${policy.alpha}: ${means} in ${seconds} s.`;
    default:
      return `No verdict within ${policy.deadlineSeconds} s: ${means}, ${evidence.requests} mirrored requests, judge errors ${(100 * judgeErrorShare(evidence)).toFixed(1)} %.`;
  }
};

/** Runs a recorded shadow decision again. */
export const replayShadow = evaluateShadow;
