import { type CanaryStep, epochMsOf, type MetricForecast, type Policy } from "@sluice/contracts";
import { stepShare } from "@sluice/release";
import { type ForecastPlan, forecastDetectableEffects, forecastDetection } from "@sluice/statistics";
import type { RecentTraffic } from "./recent-traffic.ts";
import { type SeenMetric, seenMetrics } from "./seen-metrics.ts";

type CanaryPolicy = Policy["canary"];

/** Share of a metric's prior that the canary keeps for faults that show only when no baseline is left beside the candidate. */
export const LAST_STEP_SHARE = 0.2;

/** So often a change must be found to count as one that can be seen. */
export const POWER = 0.8;

export interface ForecastStep {
  readonly share: number;
  readonly minutes: number;
  readonly enoughRequests: boolean;
}

export const requestsPerMinuteOf = ({ from, to, requests }: RecentTraffic): number =>
  (60_000 * requests) / Math.max(1, epochMsOf(to) - epochMsOf(from));

/** How long each step will last: its hold, or until the candidate has had its requests, at most until its deadline. */
export const forecastSteps = (policy: CanaryPolicy, requestsPerMinute: number): ReadonlyArray<ForecastStep> =>
  policy.steps.map((step, i) => {
    const share = stepShare(policy, i) ?? step.share;
    const needed = minutesFor(step, requestsPerMinute * share);
    const most = Math.ceil((step.holdSeconds + policy.holdDeadlineSeconds) / 60);
    return { share, minutes: Math.max(1, Math.min(needed, most)), enoughRequests: needed <= most };
  });

const minutesFor = ({ holdSeconds, minRequests }: CanaryStep, perMinute: number): number =>
  Math.max(Math.ceil(holdSeconds / 60), minRequests === 0 ? 0 : Math.ceil(minRequests / perMinute));

export interface MetricPlan {
  readonly metric: SeenMetric;
  readonly plan: ForecastPlan;
}

/** The metrics that are compared, each with its part of the false-alarm budget. */
export const metricPlans = (
  policy: CanaryPolicy,
  traffic: RecentTraffic,
  steps: ReadonlyArray<ForecastStep>,
): ReadonlyArray<MetricPlan> => {
  const { alpha, metrics } = policy;
  const weights = Object.values(metrics).reduce((sum, { weight }) => sum + weight, 0);
  // The tests count conversations once: traffic of long ones shows less than its requests promise.
  const unitsPerMinute = requestsPerMinuteOf(traffic) * (traffic.units / traffic.requests);
  return seenMetrics(policy, traffic)
    .filter(({ weight }) => weight > 0)
    .map((metric) => ({
      metric,
      plan: { unitsPerMinute, steps, alpha, weight: (metric.weight / weights) * (1 - LAST_STEP_SHARE) },
    }));
};

/**
 * What a rollout under this policy can see, by the end of each step, in traffic like the recent one. A metric that policy
 * does not ask to see, or that decides nothing, is told all the same.
 */
export const forecastMetrics = (
  policy: CanaryPolicy,
  traffic: RecentTraffic,
  steps: ReadonlyArray<ForecastStep>,
): ReadonlyArray<MetricForecast> =>
  metricPlans(policy, traffic, steps).map(({ metric, plan }) => {
    const detectable = forecastDetectableEffects(plan, metric.kind, POWER).map(({ effect }) => effect);
    const seen = metric.mustDetect === null || probabilityAtEnd(plan, metric, metric.mustDetect) >= POWER;
    const { check, baseline, mustDetect } = metric;
    const sentence = sentenceOf(metric, requestsPerMinuteOf(traffic), detectable.at(-1) ?? null, seen);
    return { check, baseline, detectable, mustDetect, seen, sentence };
  });

const probabilityAtEnd = (plan: ForecastPlan, { kind }: SeenMetric, effect: number): number =>
  forecastDetection(plan, kind, effect).steps.at(-1)?.probability ?? 0;

export const rateText = (requestsPerMinute: number): string =>
  `At ${Number(requestsPerMinute.toPrecision(3)).toLocaleString("en")} requests a minute`;

const sentenceOf = (
  { label, inWords, mustDetect, note }: SeenMetric,
  requestsPerMinute: number,
  effect: number | null,
  seen: boolean,
): string => {
  const traffic = rateText(requestsPerMinute);
  const sees =
    effect === null
      ? `${traffic} this rollout can see no change of ${label} at all.`
      : `${traffic} this rollout sees ${label} ${inWords(effect)} with probability ${POWER}, and smaller changes less often.`;
  const misses = seen || mustDetect === null ? "" : ` It cannot see ${label} ${inWords(mustDetect)}, which it must.`;
  return `${sees}${misses}${note}`;
};
