import {
  type BreachCause,
  type CanaryEvidence,
  type CanaryWindow,
  type CheckEvidence,
  epochMsOf,
  type HoldCause,
  type JudgeReport,
  type Policy,
  type Timestamp,
  timestampOf,
  type Verdict,
} from "@sluice/contracts";
import { canaryWith } from "@sluice/judge/domain/judge-trust";
import { stepShare } from "@sluice/release";
import { combinedLogEs, failsAlone, firstCrossing, logThresholdOf, onsetOf } from "./budget.ts";
import { countText, metricSentence, timesOf } from "./check-sentence.ts";
import { safetyProbesCheck, sampleRatioCheck, servedDigestCheck } from "./integrity-checks.ts";
import { latencyRun } from "./latency-run.ts";
import { type MetricRun, type RunInput, sumOf } from "./metric-run.ts";
import { qualityRun } from "./quality-run.ts";
import { errorRate, rateRun, refusalRate } from "./rate-run.ts";
import { unitName } from "./units.ts";

export interface Breach {
  readonly cause: BreachCause;
  readonly sentence: string;
  /** Start of the first window that shows it. */
  readonly since: Timestamp;
}

export interface CanaryEvaluation {
  readonly evidence: CanaryEvidence;
  /** The worst that was found; null when nothing calls for a rollback. */
  readonly breach: Breach | null;
  /** What forbids going on without calling for a rollback. */
  readonly hold: { readonly cause: HoldCause; readonly waitsFor: string } | null;
}

type CanaryPolicy = Policy["canary"];

/**
 * All checks on all closed windows of the release so far, in order; those of `step` are the last. A pure function of policy
 * and windows: the same windows give the same bytes, so a decision replays from the events. Null before the step's first
 * closed window. A judge that may only report (`judgeReport`) has its check told like any other, and it decides nothing. The
 * false-alarm probability of the compared metrics together is at most `policy.alpha` over the whole
 * rollout; the absolute limits have as much again, divided evenly among those configured, and the sample ratio has its own
 * (`sampleRatioAlpha`).
 */
export const evaluateCanary = (
  given: CanaryPolicy,
  windows: ReadonlyArray<CanaryWindow>,
  step: number,
  judgeReport: JudgeReport | null = null,
): CanaryEvaluation | null => {
  const policy = canaryWith(given, judgeReport);
  const present = windows.filter((window) => window.step === step);
  const [first, last] = [present[0], present.at(-1)];
  if (!first || !last) return null;
  const input = inputOf(policy, windows, present);
  const runs = runsOf(policy, input, judgeReport);
  const rollback = combinedLogEs(runs, windows.length, mayRollBack);
  const integrity = integrityChecks(policy, windows, present);
  const checks = [...runs.map((run) => metricCheck(run, runs, rollback, policy, step, input)), ...integrity];
  const breach = breachOf({ policy, windows, runs, rollback, checks });
  const requests = {
    baseline: sumOf(present, (window) => window.baseline.requests),
    candidate: sumOf(present, (window) => window.candidate.requests),
  };
  const combined = { logE: rollback.at(-1) ?? 0, logThreshold: logThresholdOf(policy.alpha), alpha: policy.alpha };
  const until = timestampOf(epochMsOf(last.from) + policy.windowSeconds * 1_000);
  const evidence: CanaryEvidence = {
    step,
    window: { from: first.from, to: until },
    windows: present,
    requests,
    checks,
    combined,
    concurrentBaseline: input.concurrentBaseline,
    ...(judgeReport && { judgeReport }),
    sentence: summary({ policy, step, present, requests, combined, breach, input }),
  };
  return { evidence, breach, hold: holdOf(policy, runs, checks, windows.length) };
};

const mayRollBack = (run: MetricRun): boolean => run.mode === "enforce" && run.onBreach === "rollback";
const mayHold = (run: MetricRun): boolean => run.mode === "enforce" && run.onBreach === "hold";

const inputOf = (
  policy: CanaryPolicy,
  windows: ReadonlyArray<CanaryWindow>,
  present: ReadonlyArray<CanaryWindow>,
): RunInput => {
  const withBaseline = windows.filter((window) => window.share < 1 && window.baseline.requests > 0);
  const lastStep = withBaseline.at(-1)?.step;
  return {
    windows,
    present,
    earlierBaseline: withBaseline.filter((window) => window.step === lastStep),
    concurrentBaseline: present.some((window) => window.share < 1),
    alpha: policy.alpha,
    unit: unitName(windows),
  };
};

/** The catalogue of compared metrics: a new one is one more line here. */
const runsOf = (
  { metrics }: CanaryPolicy,
  input: RunInput,
  judgeReport: JudgeReport | null,
): ReadonlyArray<MetricRun> => [
  rateRun(errorRate, metrics.errorRate, input),
  latencyRun(metrics.latencyP95, input),
  qualityRun(metrics.quality, input, judgeReport),
  rateRun(refusalRate, metrics.refusalRate, input),
];

const integrityChecks = (
  policy: CanaryPolicy,
  windows: ReadonlyArray<CanaryWindow>,
  present: ReadonlyArray<CanaryWindow>,
): ReadonlyArray<CheckEvidence> =>
  [
    safetyProbesCheck(windows, present, policy.safetyProbes),
    sampleRatioCheck(windows, policy),
    servedDigestCheck(windows),
  ].filter((check) => check !== null);

const metricCheck = (
  run: MetricRun,
  runs: ReadonlyArray<MetricRun>,
  rollback: ReadonlyArray<number>,
  policy: CanaryPolicy,
  step: number,
  input: RunInput,
): CheckEvidence => {
  const beyondLimit = limitCrossing(run, runs, policy.alpha) !== null;
  // The rollout's budget may be used up by several metrics, none of which would do it alone: the worst one is named.
  const worst = firstCrossing(runs, rollback, mayRollBack, policy.alpha)?.metric === run;
  const failed = beyondLimit || worst || failsAlone(run, runs, policy.alpha);
  const verdict: Verdict = failed ? "failed" : hasEnough(run, policy, step, input) ? "passed" : "inconclusive";
  return {
    check: run.check,
    verdict,
    onBreach: run.onBreach,
    ...(run.mode === "warn" && { mode: run.mode }),
    method: run.method,
    baseline: run.baseline,
    candidate: run.candidate,
    difference: run.difference,
    interval: run.interval,
    logE: run.logEs.at(-1) ?? 0,
    sentence: metricSentence(run, verdict, input, Math.max(...run.logEs), beyondLimit),
  };
};

/** Error rate and latency need the step's requests; of the others, which are known of some answers only, any will do. */
const hasEnough = (run: MetricRun, policy: CanaryPolicy, step: number, input: RunInput): boolean => {
  const everyRequest = run.check === "errorRate" || run.check === "latencyP95";
  const needed = everyRequest ? (policy.steps[step]?.minRequests ?? 0) : 0;
  const has = (arm: "baseline" | "candidate") =>
    run[arm].n > 0 && sumOf(input.present, (window) => window[arm].requests) >= needed;
  return has("candidate") && (has("baseline") || !input.concurrentBaseline);
};

/** Each limit is a test of its own: together they may raise a false alarm as often as one with all of `alpha`. */
const limitCrossing = (run: MetricRun, runs: ReadonlyArray<MetricRun>, alpha: number): number | null => {
  const limits = runs.filter(({ limitLogEs }) => limitLogEs !== null).length;
  const threshold = logThresholdOf(alpha / Math.max(1, limits));
  const at = run.limitLogEs?.findIndex((logE) => logE >= threshold) ?? -1;
  return at < 0 ? null : at;
};

interface Found {
  readonly policy: CanaryPolicy;
  readonly windows: ReadonlyArray<CanaryWindow>;
  readonly runs: ReadonlyArray<MetricRun>;
  readonly rollback: ReadonlyArray<number>;
  readonly checks: ReadonlyArray<CheckEvidence>;
}

/** The worst first: wrong bundles and unsafe answers before anything that is a matter of degree. */
const breachOf = ({ policy, windows, runs, rollback, checks }: Found): Breach | null => {
  const sentenceOf = (name: CheckEvidence["check"]) => checks.find(({ check }) => check === name)?.sentence ?? name;
  const sinceOf = (index: number): Timestamp => windows[Math.max(0, index)]?.from ?? timestampOf(0);

  const misserved = windows.findIndex(({ baseline, candidate }) => baseline.wrongDigest + candidate.wrongDigest > 0);
  if (misserved >= 0)
    return { cause: "served-digest", sentence: sentenceOf("servedDigest"), since: sinceOf(misserved) };

  const unsafe = policy.safetyProbes ? windows.findIndex(({ probes }) => probes.confirmed.length > 0) : -1;
  if (unsafe >= 0) return { cause: "safety-probe", sentence: sentenceOf("safetyProbes"), since: sinceOf(unsafe) };

  for (const run of runs.filter(mayRollBack)) {
    const at = limitCrossing(run, runs, policy.alpha);
    if (at !== null)
      return { cause: "ceiling", sentence: sentenceOf(run.check), since: sinceOf(onsetOf(run.limitLogEs ?? [], at)) };
  }

  const crossing = firstCrossing(runs, rollback, mayRollBack, policy.alpha);
  return crossing
    ? { cause: "metric", sentence: sentenceOf(crossing.metric.check), since: sinceOf(crossing.onset) }
    : null;
};

const holdOf = (
  policy: CanaryPolicy,
  runs: ReadonlyArray<MetricRun>,
  checks: ReadonlyArray<CheckEvidence>,
  windows: number,
): CanaryEvaluation["hold"] => {
  const mismatch = checks.find(({ check, verdict }) => check === "sampleRatio" && verdict === "failed");
  if (mismatch) return { cause: "sample-ratio-mismatch", waitsFor: mismatch.sentence };
  const held = combinedLogEs(runs, windows, mayHold);
  const metric =
    firstCrossing(runs, held, mayHold, policy.alpha)?.metric ??
    runs.filter(mayHold).find((run) => limitCrossing(run, runs, policy.alpha) !== null);
  const check = metric && checks.find((found) => found.check === metric.check);
  return check ? { cause: "metric-breached", waitsFor: `an operator to decide: ${check.sentence}` } : null;
};

interface Summary {
  readonly policy: CanaryPolicy;
  readonly step: number;
  readonly present: ReadonlyArray<CanaryWindow>;
  readonly requests: CanaryEvidence["requests"];
  readonly combined: CanaryEvidence["combined"];
  readonly breach: Breach | null;
  readonly input: RunInput;
}

const summary = ({ policy, step, present, requests, combined, breach, input }: Summary): string => {
  const share = stepShare(policy, step) ?? 0;
  const where = `Step ${step + 1} of ${policy.steps.length} (${Number((100 * share).toFixed(4))} %)`;
  const seen = `${countText(requests.candidate)} requests on the candidate and ${countText(requests.baseline)} on the baseline in ${present.length} windows of ${policy.windowSeconds} s`;
  const reference = input.concurrentBaseline
    ? ""
    : " No user is on the baseline any more: the candidate is compared with its ceilings and with the baseline of the step before, which was not measured beside it.";
  const evidence = `Evidence of harm over the whole rollout is ${timesOf(combined.logE)} to 1 of the ${timesOf(combined.logThreshold)} to 1 that would be a breach.`;
  return `${where}: ${seen}. ${breach ? `Breached: ${breach.sentence}` : evidence}${reference}`;
};
