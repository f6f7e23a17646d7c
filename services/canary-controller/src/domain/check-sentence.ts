import type { Verdict } from "@sluice/contracts";
import { logThresholdOf } from "./budget.ts";
import type { MetricRun, RunInput } from "./metric-run.ts";

/** An e-value as people read it: how many times likelier the data are if the candidate is worse. */
export const timesOf = (logE: number): string => {
  if (logE > Math.log(1e6)) return "over 1,000,000";
  const value = Math.exp(logE);
  return value >= 100 ? Math.round(value).toLocaleString("en") : value.toFixed(value >= 10 ? 1 : 2);
};

export const countText = (n: number): string => n.toLocaleString("en");

/** What a metric's check found, in one or two sentences with the numbers behind it. */
export const metricSentence = (
  run: MetricRun,
  verdict: Verdict,
  input: RunInput,
  peakLogE: number,
  beyondLimit: boolean,
): string => {
  const { baseline, candidate, label, format } = run;
  if (candidate.value === null) return `The ${label} of the candidate is not known yet: nothing to measure it by.`;
  const measured = `The ${label} is ${format(candidate.value)} on the candidate (n = ${countText(candidate.n)} ${run.unit})`;
  const reference = input.concurrentBaseline
    ? "the baseline"
    : "the baseline of the step before, not measured beside it";
  const compared =
    baseline.value === null
      ? " and there is no baseline to compare with"
      : ` against ${format(baseline.value)} on ${reference} (n = ${countText(baseline.n)})`;
  const limit = beyondLimit ? limitText(run) : "";
  return `${measured}${compared}.${limit} ${evidenceText(run, verdict, peakLogE, input.alpha)}`;
};

/** Ceilings are for all requests, whose figure may differ from that of the units. */
const limitText = ({ limit, ofAllRequests, unit, format }: MetricRun): string => {
  if (limit === null) return "";
  if (unit === "requests" || !ofAllRequests || ofAllRequests.value === null) return ` It is surely ${limit}.`;
  return ` Over all its ${countText(ofAllRequests.n)} requests it is ${format(ofAllRequests.value)}, surely ${limit}.`;
};

const consequence = ({ mode, onBreach, whyTold = "policy tries it out" }: MetricRun): string => {
  if (mode === "warn") return ` (${whyTold}: it decides nothing)`;
  return onBreach === "rollback" ? "" : ` (policy: ${onBreach})`;
};

const evidenceText = (run: MetricRun, verdict: Verdict, peakLogE: number, alpha: number): string => {
  const evidence = `Evidence that it is worse: ${timesOf(peakLogE)} to 1`;
  const budget = `the rollout's budget is ${timesOf(logThresholdOf(alpha))} to 1 over all metrics`;
  switch (verdict) {
    case "failed":
      return `${evidence}; ${budget}: failed${consequence(run)}.`;
    case "passed":
      return `${evidence}; ${budget}.`;
    default:
      return `${evidence}, from too little data to say that it is not.`;
  }
};
