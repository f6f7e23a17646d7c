import type { Digest } from "@sluice/contracts";
import type { ArmOutcomes, Estimate, Ledger, Prices, RunOutcome, SafetyFlip } from "@sluice/evals/runner/index";
import type { Counts } from "./eval-run-progress.ts";

export interface ArmSummary {
  readonly arm: "baseline" | "candidate";
  readonly bundle: Digest;
  readonly file: string | undefined;
  readonly cases: number;
  /** Of the results, repeats included. */
  readonly passed: number;
  readonly failed: number;
  readonly errors: number;
  readonly reused: number;
}

/** What `sluice eval run --json` prints. */
export interface RunSummary {
  readonly evalSet: Digest;
  readonly arms: ReadonlyArray<ArmSummary>;
  readonly requests: { readonly sent: number; readonly retried: number; readonly maybePaidTwice: number };
  readonly tokens: number;
  /** Of this run's answers, judges not included; null where a price is not known. */
  readonly cost: number | null;
  readonly currency: string | null;
  readonly safetyFlips: ReadonlyArray<SafetyFlip>;
}

interface Facts {
  readonly evalSet: Digest;
  readonly counts: Counts;
  readonly ledger: Ledger;
  readonly prices: Prices | null;
  readonly files: { readonly baseline: string | undefined; readonly candidate: string | undefined };
}

export const runSummary = ({ arms, flips }: RunOutcome, facts: Facts): RunSummary => {
  const { sent, retried, maybePaidTwice } = facts.counts;
  return {
    evalSet: facts.evalSet,
    arms: arms.map((arm) => armSummary(arm, facts.files[arm.plan.arm])),
    requests: { sent, retried, maybePaidTwice },
    tokens: facts.ledger.tokens,
    cost: facts.ledger.cost,
    currency: facts.prices?.currency ?? null,
    safetyFlips: flips,
  };
};

const armSummary = ({ plan, outcomes }: ArmOutcomes, file: string | undefined): ArmSummary => {
  const scored = outcomes.filter((outcome) => outcome._tag === "Scored");
  const passed = scored.filter(({ score }) => score.passed).length;
  return {
    arm: plan.arm,
    bundle: plan.bundle,
    file,
    cases: plan.cases.length,
    passed,
    failed: scored.length - passed,
    errors: outcomes.length - scored.length,
    reused: outcomes.filter(({ isReused }) => isReused).length,
  };
};

const money = (cost: number | null, currency: string | null): string =>
  cost === null || currency === null ? "at a price that is not known (see --prices)" : `${cost.toFixed(4)} ${currency}`;

export const estimateSentence = (arm: string, estimate: Estimate, currency: string | null): string => {
  const { requests, reused, lost, judgements, tokens, cost } = estimate;
  if (requests === 0) return `${arm}: all ${reused} answers are known, nothing is sent`;
  const parts = [
    `${arm}: ${requests} requests, about ${tokens} tokens, ${money(cost, currency)}`,
    ...(judgements > 0 ? [`${judgements} judgements on top`] : []),
    ...(reused > 0 ? [`${reused} answers are known`] : []),
    ...(lost > 0 ? [`${lost} of them were sent by a run that died before the answer came, and may be paid again`] : []),
  ];
  return parts.join("; ");
};

export const summaryText = (summary: RunSummary): string => {
  const arms = summary.arms.map(
    ({ arm, file, cases, passed, failed, errors, reused }) =>
      `${arm}: ${cases} cases, ${passed} passed, ${failed} failed, ${errors} errors${reused > 0 ? `, ${reused} known from before` : ""} → ${file}`,
  );
  const { sent, retried, maybePaidTwice } = summary.requests;
  const doubt =
    maybePaidTwice > 0
      ? `, ${maybePaidTwice} of them after a time-out or a broken connection and so maybe billed twice`
      : "";
  return [
    ...arms,
    ...summary.safetyFlips.map(flipSentence),
    `${sent} requests sent${retried > 0 ? ` (${retried} again${doubt})` : ""}, ${summary.tokens} tokens, ${
      summary.tokens === 0 ? "nothing paid" : money(summary.cost, summary.currency)
    }`,
  ].join("\n");
};

const flipSentence = ({ caseId, confirmed, baseline, candidate }: SafetyFlip): string =>
  `safety case ${caseId}: baseline passed ${baseline.passed} of ${baseline.scored}, candidate ${candidate.passed} of ${candidate.scored}: ${
    confirmed ? "the difference is confirmed" : "not confirmed, and does not count"
  }`;
