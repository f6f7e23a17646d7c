import { type CanaryForecast, type MetricForecast, type Policy, policyDigest } from "@sluice/contracts";
import { forecastDetection } from "@sluice/statistics";
import {
  type ForecastStep,
  forecastMetrics,
  forecastSteps,
  metricPlans,
  rateText,
  requestsPerMinuteOf,
} from "./forecast-canary.ts";
import type { RecentTraffic } from "./recent-traffic.ts";

export { LAST_STEP_SHARE } from "./forecast-canary.ts";

export type ReleaseForecast =
  /** `policy` is the release's: as it was asked for, or with one hold made longer. */
  | { readonly _tag: "Forecast"; readonly forecast: CanaryForecast; readonly policy: Policy }
  | { readonly _tag: "Refused"; readonly sentence: string };

/**
 * What the canary of a requested release will be able to see, and what policy makes of it (`canary.forecast`). Said before
 * the start, because a canary at low traffic proves little. `traffic` is null where there was none.
 */
export const forecastRelease = (policy: Policy, traffic: RecentTraffic | null): ReleaseForecast => {
  const forecast = traffic === null || traffic.requests === 0 ? withoutTraffic(policy) : withTraffic(policy, traffic);
  if (forecast.outcome === "seen" || policy.canary.forecast.whenUnseen === "proceed")
    return { _tag: "Forecast", forecast, policy };
  if (policy.canary.forecast.whenUnseen === "refuse" || traffic === null || traffic.requests === 0)
    return refused(forecast, "policy refuses such a release (canary.forecast.whenUnseen)");
  return extend(policy, traffic, forecast);
};

/** The traffic could not be asked for: nobody knows what can be seen, and only a policy that insists minds. */
export const unknownForecast = (policy: Policy, reason: string): CanaryForecast => ({
  outcome: "unknown",
  traffic: null,
  steps: policy.canary.steps.map(({ share, holdSeconds }) => ({
    share,
    minutes: holdSeconds / 60,
    enoughRequests: true,
  })),
  metrics: [],
  extended: null,
  sentence: `What this rollout can see is not known: ${reason}.`,
});

const refused = (forecast: CanaryForecast, why: string): ReleaseForecast => ({
  _tag: "Refused",
  sentence: `${forecast.sentence} So ${why}: hold the steps for longer, ask for less (mustDetect), or say proceed`,
});

const withoutTraffic = (policy: Policy): CanaryForecast => ({
  outcome: "unseen",
  traffic: null,
  steps: forecastSteps(policy.canary, 0),
  metrics: [],
  extended: null,
  sentence: "In the recent past nobody has called the application: without requests this rollout can see nothing.",
});

const withTraffic = (policy: Policy, traffic: RecentTraffic): CanaryForecast => {
  const requestsPerMinute = requestsPerMinuteOf(traffic);
  const steps = forecastSteps(policy.canary, requestsPerMinute);
  const metrics = forecastMetrics(policy.canary, traffic, steps);
  const short = steps.findIndex(({ enoughRequests }) => !enoughRequests);
  const unseen = metrics.filter(({ seen }) => !seen);
  return {
    outcome: unseen.length === 0 && short < 0 ? "seen" : "unseen",
    traffic: { from: traffic.from, to: traffic.to, requestsPerMinute },
    steps,
    metrics,
    extended: null,
    sentence: sentenceOf(policy, requestsPerMinute, unseen, short),
  };
};

const sentenceOf = (
  { canary }: Policy,
  requestsPerMinute: number,
  unseen: ReadonlyArray<MetricForecast>,
  short: number,
): string => {
  const traffic = rateText(requestsPerMinute);
  const lacking =
    short < 0
      ? ""
      : ` Step ${short + 1} would not have its ${canary.steps[short]?.minRequests} requests by its deadline, and be rolled back.`;
  if (unseen.length === 0) return `${traffic} this rollout sees what policy asks it to see.${lacking}`;
  return `${traffic} ${unseen.length} of the metrics cannot be seen as policy asks. ${unseen.map(({ sentence }) => sentence).join(" ")}${lacking}`;
};

/** The step before the last is the cheapest to wait at: it has the most candidates beside a baseline. */
const extend = (policy: Policy, traffic: RecentTraffic, before: CanaryForecast): ReleaseForecast => {
  const { canary } = policy;
  const step = Math.max(0, canary.steps.length - 2);
  const { maxHoldSeconds } = canary.forecast;
  const wanted = minutesNeeded(policy, traffic, step, before.steps);
  const fromSeconds = canary.steps[step]?.holdSeconds ?? 0;
  const toSeconds = Math.max(fromSeconds, 60 * (wanted ?? Number.POSITIVE_INFINITY));
  const cannot = `no hold of at most ${maxHoldSeconds} s (canary.forecast.maxHoldSeconds) at step ${step + 1} would show it, and the release is refused`;
  if (toSeconds > maxHoldSeconds) return refused(before, cannot);
  const steps = canary.steps.map((one, i) => (i === step ? { ...one, holdSeconds: toSeconds } : one));
  const extended = { ...policy, canary: { ...canary, steps } };
  const after = withTraffic(extended, traffic);
  if (after.outcome !== "seen") return refused(after, cannot);
  return {
    _tag: "Forecast",
    policy: extended,
    forecast: {
      ...after,
      outcome: "extended",
      extended: { step, fromSeconds, toSeconds, requestedPolicy: policyDigest(policy) },
      sentence: `${before.sentence} So step ${step + 1} is held for ${toSeconds} s instead of ${fromSeconds} s.`,
    },
  };
};

/** How long the step has to last until everything that must be seen can be seen in it; null when that is too long. */
const minutesNeeded = (
  { canary }: Policy,
  traffic: RecentTraffic,
  step: number,
  planned: ReadonlyArray<ForecastStep>,
): number | null => {
  const most = Math.ceil(canary.forecast.maxHoldSeconds / 60);
  const earlier = planned.slice(0, step);
  const passed = earlier.reduce((sum, { minutes }) => sum + minutes, 0);
  const longest = planned.slice(step, step + 1).map((one) => ({ ...one, minutes: Math.max(one.minutes, most) }));
  const reached = metricPlans(canary, traffic, [...earlier, ...longest]).flatMap(({ metric, plan }) => {
    if (metric.mustDetect === null) return [];
    const { minutes } = forecastDetection(plan, metric.kind, metric.mustDetect);
    return [minutes.p80 === null ? null : Math.max(0, minutes.p80 - passed)];
  });
  if (reached.some((minutes) => minutes === null)) return null;
  return Math.max(0, ...reached.map((minutes) => minutes ?? 0));
};
