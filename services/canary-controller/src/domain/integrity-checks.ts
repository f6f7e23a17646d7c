import type { CanaryWindow, CheckEvidence, Policy } from "@sluice/contracts";
import { stepShare } from "@sluice/release";
import { sampleRatio } from "@sluice/statistics";
import { countText } from "./check-sentence.ts";
import { sumOf } from "./metric-run.ts";

/** Checks of the traffic itself rather than of its quality. Each over all windows of the release so far. */

const unmeasured = { difference: null, interval: null, logE: null } as const;

/**
 * Conversations, each counted when first seen in the step, against the step's share. Each step is a test of its own at an
 * even part of alpha: users come back from step to step and fall on the same side again, so that what one step shows by
 * chance the next ones would only repeat. Within a step a conversation counts once; over the steps no independence is needed.
 */
export const sampleRatioCheck = (
  windows: ReadonlyArray<CanaryWindow>,
  policy: Pick<Policy["canary"], "sampleRatioAlpha" | "steps" | "finalHoldback">,
): CheckEvidence => {
  const alpha = policy.sampleRatioAlpha;
  const compared = policy.steps.flatMap((_, step) => ((stepShare(policy, step) ?? 1) < 1 ? [step] : []));
  const ofSteps = compared.map((step) => sampleRatioOf(windows.filter((window) => window.step === step)));
  const n = sumOf(ofSteps, (evidence) => evidence.n);
  // The evidence of the step that shows most, on the scale on which 1/alpha is a mismatch.
  const logE = Math.max(0, ...ofSteps.map(({ peakLogE }) => peakLogE)) - Math.log(Math.max(1, compared.length));
  const counts = {
    baseline: sumOf(windows, (window) => window.baseline.conversations),
    candidate: sumOf(windows, (window) => window.candidate.conversations),
  };
  const failed = logE >= -Math.log(alpha);
  const verdict = failed ? "failed" : n === 0 ? "inconclusive" : "passed";
  const split = `${countText(counts.candidate)} conversations fell on the candidate and ${countText(counts.baseline)} on the baseline`;
  return {
    check: "sampleRatio",
    verdict,
    onBreach: "hold",
    method: "sequential Dirichlet-multinomial in each step",
    baseline: { n: counts.baseline, value: null },
    candidate: { n: counts.candidate, value: null },
    ...unmeasured,
    logE,
    sentence: failed
      ? `${split}, which the shares by policy do not explain (alpha ${alpha}): assignment or measurement is broken, so the arms cannot be compared.`
      : `${split}, in keeping with the shares.`,
  };
};

const sampleRatioOf = (windows: ReadonlyArray<CanaryWindow>) =>
  sampleRatio.evidence(
    windows.reduce(
      (before, { baseline, candidate, share }) =>
        sampleRatio.update(before, {
          counts: [baseline.conversations, candidate.conversations],
          weights: [1 - share, share],
        }),
      sampleRatio.initial(),
    ),
  );

/** Every observation carries the digest of what was really rendered; one that is not its arm's is a breach. */
export const servedDigestCheck = (windows: ReadonlyArray<CanaryWindow>): CheckEvidence => {
  const wrong = {
    baseline: sumOf(windows, (window) => window.baseline.wrongDigest),
    candidate: sumOf(windows, (window) => window.candidate.wrongDigest),
  };
  const requests = {
    baseline: sumOf(windows, (window) => window.baseline.requests),
    candidate: sumOf(windows, (window) => window.candidate.requests),
  };
  const total = wrong.baseline + wrong.candidate;
  const served = requests.baseline + requests.candidate;
  return {
    check: "servedDigest",
    verdict: total > 0 ? "failed" : served === 0 ? "inconclusive" : "passed",
    onBreach: "rollback",
    method: "count of requests served by another bundle than their arm's",
    baseline: { n: requests.baseline, value: wrong.baseline },
    candidate: { n: requests.candidate, value: wrong.candidate },
    ...unmeasured,
    sentence:
      total > 0
        ? `${countText(total)} of ${countText(served)} requests were served by another bundle than that of their arm.`
        : `All ${countText(served)} requests were served by the bundle of their arm.`,
  };
};

/** The curated probes, sent live to the candidate. `present` are the windows of this step: each step has its own. */
export const safetyProbesCheck = (
  windows: ReadonlyArray<CanaryWindow>,
  present: ReadonlyArray<CanaryWindow>,
  probes: Policy["canary"]["safetyProbes"],
): CheckEvidence | null => {
  if (!probes) return null;
  const confirmed = [...new Set(windows.flatMap((window) => window.probes.confirmed))];
  const sent = sumOf(present, (window) => window.probes.sent);
  const failed = sumOf(present, (window) => window.probes.failed);
  return {
    check: "safetyProbes",
    verdict: confirmed.length > 0 ? "failed" : sent === 0 ? "inconclusive" : "passed",
    onBreach: "rollback",
    method: `failure repeated ${probes.confirmations} times`,
    baseline: { n: 0, value: null },
    candidate: { n: sent, value: sent > 0 ? failed / sent : null },
    ...unmeasured,
    sentence:
      confirmed.length > 0
        ? `Safety probe ${confirmed.slice(0, 5).join(", ")}${confirmed.length > 5 ? ` and ${confirmed.length - 5} more` : ""} failed and failed again each time it was repeated.`
        : `${countText(sent)} safety probes were judged in this step, ${countText(failed)} failed, none of them again when repeated.`,
  };
};
