import type { Policy } from "@sluice/contracts";
import { fisherExact, type Proportion, welchFromSummaries } from "@sluice/statistics";
import { type CanaryEvaluation, evaluateCanary } from "./evaluate-canary.ts";
import { type QuantileRatio, quantileRatio } from "./quantile-ratio.ts";
import { type RecordedRequest, windowsOfRecording } from "./recorded-arms.ts";

export type ReplayedMetric = "error_rate" | "latency_p95" | "refusal_rate" | "quality";

export interface ReplayedCheck {
  readonly metric: ReplayedMetric;
  readonly failed: boolean;
  readonly test: string;
  readonly baseline: { readonly n: number; readonly value: number | null };
  readonly candidate: { readonly n: number; readonly value: number | null };
  /** One-sided: the candidate is worse. Null for latency, which is judged by its interval. */
  readonly pValue: number | null;
  readonly ratio: QuantileRatio | null;
  readonly sentence: string;
}

export interface CanaryReplay {
  readonly verdict: "promote" | "rollback" | "inconclusive";
  readonly reasons: ReadonlyArray<ReplayedMetric>;
  readonly requests: { readonly baseline: number; readonly candidate: number };
  readonly checks: ReadonlyArray<ReplayedCheck>;
  /** What the controller would have made of the same requests while they came in, by its sequential tests. */
  readonly sequential: CanaryEvaluation | null;
  readonly sentence: string;
}

/** Fewer requests of an arm than this cannot show a p95 at all. */
const MIN_REQUESTS = 30;
/** A p95 that is less than a fifth longer is no reason to go back. */
const MIN_P95_RATIO = 1.2;
const P95_CONFIDENCE = 0.95;

/**
 * Judges a recorded canary in retrospect. All requests are there, so each metric is tested once, at `alpha`, which finds
 * smaller faults than the controller's tests, whose price is that they may be looked at all the time. The controller's own
 * view is given beside it. Metrics that policy only warns about, or gives no weight, are no reason to roll back.
 */
export const replayCanary = (requests: ReadonlyArray<RecordedRequest>, policy: Policy["canary"]): CanaryReplay => {
  const arms = { baseline: ofArm(requests, "baseline"), candidate: ofArm(requests, "candidate") };
  const counts = { baseline: arms.baseline.length, candidate: arms.candidate.length };
  const { errorRate, refusalRate, latencyP95, quality } = policy.metrics;
  const checks = [
    { policy: errorRate, check: rateCheck("error_rate", arms, failures, policy.alpha) },
    { policy: latencyP95, check: latencyCheck(arms) },
    { policy: quality, check: qualityCheck(arms, policy.alpha) },
    { policy: refusalRate, check: rateCheck("refusal_rate", arms, refusals, policy.alpha) },
  ].filter(({ check }) => check.baseline.n > 0 && check.candidate.n > 0);
  const reasons = checks
    .filter(
      ({ check, policy: metric }) =>
        check.failed && metric.weight > 0 && metric.mode === "enforce" && metric.onBreach !== "warn",
    )
    .map(({ check }) => check.metric);
  const enough = Math.min(counts.baseline, counts.candidate) >= MIN_REQUESTS;
  const verdict = enough ? (reasons.length > 0 ? "rollback" : "promote") : "inconclusive";
  return {
    verdict,
    reasons: enough ? reasons : [],
    requests: counts,
    checks: checks.map(({ check }) => check),
    sequential: evaluateCanary(policy, windowsOfRecording(requests, policy.windowSeconds), 0),
    sentence: summary(verdict, reasons, counts),
  };
};

type Recorded = ReadonlyArray<RecordedRequest>;
interface Arms {
  readonly baseline: Recorded;
  readonly candidate: Recorded;
}

const ofArm = (requests: Recorded, arm: RecordedRequest["arm"]): Recorded =>
  requests.filter((request) => request.arm === arm);

const failures = (requests: Recorded): Proportion => ({
  n: requests.length,
  events: requests.filter(({ failed }) => failed).length,
});

const refusals = (requests: Recorded): Proportion => {
  const known = requests.filter(({ failed, refused }) => !failed && refused !== null);
  return { n: known.length, events: known.filter(({ refused }) => refused).length };
};

const rateCheck = (
  metric: "error_rate" | "refusal_rate",
  arms: Arms,
  countsOf: (requests: Recorded) => Proportion,
  alpha: number,
): ReplayedCheck => {
  const [baseline, candidate] = [countsOf(arms.baseline), countsOf(arms.candidate)];
  const { pGreater } = fisherExact(candidate, baseline);
  const inWords = ({ events, n }: Proportion) => `${events} of ${n}`;
  return {
    metric,
    failed: pGreater < alpha,
    test: "fisher-exact",
    baseline: { n: baseline.n, value: rateOf(baseline) },
    candidate: { n: candidate.n, value: rateOf(candidate) },
    pValue: pGreater,
    ratio: null,
    sentence: `${metric === "error_rate" ? "Failed" : "Refused"}: ${inWords(candidate)} on the candidate against ${inWords(baseline)} on the baseline (Fisher's exact test, one-sided p = ${pGreater.toPrecision(3)}, limit ${alpha}).`,
  };
};

const latencyCheck = (arms: Arms): ReplayedCheck => {
  const answered = (requests: Recorded) => requests.flatMap(({ failed, latencyMs }) => (failed ? [] : [latencyMs]));
  const [baseline, candidate] = [answered(arms.baseline), answered(arms.candidate)];
  const ratio = quantileRatio(baseline, candidate, 0.95, P95_CONFIDENCE);
  const interval = ratio ? `${ratio.interval.low.toFixed(2)} to ${ratio.interval.high.toFixed(2)}` : "";
  return {
    metric: "latency_p95",
    failed: ratio !== null && ratio.ratio >= MIN_P95_RATIO && ratio.interval.low > 1,
    test: "bootstrap-quantile-ratio",
    baseline: { n: baseline.length, value: ratio?.baseline ?? null },
    candidate: { n: candidate.length, value: ratio?.candidate ?? null },
    pValue: null,
    ratio,
    sentence: ratio
      ? `The p95 is ${Math.round(ratio.candidate)} ms on the candidate against ${Math.round(ratio.baseline)} ms on the baseline, ${ratio.ratio.toFixed(2)} times (95 % ${interval}; limit ${MIN_P95_RATIO} and surely above 1).`
      : "There are no answered requests to take a p95 of.",
  };
};

const qualityCheck = (arms: Arms, alpha: number): ReplayedCheck => {
  const [baseline, candidate] = [scoresOf(arms.baseline), scoresOf(arms.candidate)];
  const pValue = worseMean(candidate, baseline);
  return {
    metric: "quality",
    failed: pValue !== null && pValue < alpha,
    test: "welch",
    baseline: { n: baseline.n, value: baseline.n > 0 ? baseline.mean : null },
    candidate: { n: candidate.n, value: candidate.n > 0 ? candidate.mean : null },
    pValue,
    ratio: null,
    sentence: `The mean quality score is ${candidate.mean.toFixed(3)} on the candidate (n = ${candidate.n}) against ${baseline.mean.toFixed(3)} on the baseline (n = ${baseline.n}; Welch's test, one-sided p = ${pValue?.toPrecision(3) ?? "unknown"}, limit ${alpha}).`,
  };
};

interface Scores {
  readonly n: number;
  readonly mean: number;
  readonly sd: number;
}

const scoresOf = (requests: Recorded): Scores => {
  const scores = requests.flatMap(({ quality }) => (quality === null ? [] : [quality]));
  const n = scores.length;
  const mean = n > 0 ? scores.reduce((sum, score) => sum + score, 0) / n : 0;
  const squares = scores.reduce((sum, score) => sum + (score - mean) ** 2, 0);
  return { n, mean, sd: n > 1 ? Math.sqrt(squares / (n - 1)) : 0 };
};

/** Null with too few scores to have a spread. Scores that are all alike differ, or do not, without any chance in it. */
const worseMean = (candidate: Scores, baseline: Scores): number | null => {
  if (candidate.n < 2 || baseline.n < 2) return null;
  if (candidate.sd === 0 && baseline.sd === 0) return candidate.mean < baseline.mean ? 0 : 1;
  return welchFromSummaries(candidate, baseline, { alternative: "less" }).pValue;
};

const rateOf = ({ n, events }: Proportion): number | null => (n > 0 ? events / n : null);

const summary = (
  verdict: CanaryReplay["verdict"],
  reasons: ReadonlyArray<ReplayedMetric>,
  { baseline, candidate }: CanaryReplay["requests"],
): string => {
  const seen = `${candidate} requests on the candidate and ${baseline} on the baseline`;
  switch (verdict) {
    case "rollback":
      return `Roll back: ${reasons.join(", ")} got worse in ${seen}.`;
    case "promote":
      return `Promote: nothing got worse in ${seen}.`;
    case "inconclusive":
      return `Inconclusive: ${seen} are too few to tell (${MIN_REQUESTS} each are needed).`;
  }
};
