import type { ArmWindow, CheckName, Policy } from "@sluice/contracts";
import { type ForecastMetric, type ForecastPlan, forecastDetectableEffects } from "@sluice/statistics";
import { mergedBins, quantileMs } from "./latency-histogram.ts";
import { LAST_STEP_SHARE, sumOf } from "./metric-run.ts";
import { unitsOf } from "./units.ts";

export interface MetricForecast {
  readonly check: CheckName;
  /** The baseline's rate, p95 (ms) or mean score in the recent traffic. */
  readonly baseline: number;
  /**
   * By the end of each step: the smallest rate, ratio of latencies or drop of the mean score that is found with probability
   * 0.8, for a fault that is there from the start; null where not even the largest is.
   */
  readonly detectable: ReadonlyArray<number | null>;
  readonly sentence: string;
}

export interface CanaryForecast {
  readonly requestsPerMinute: number;
  /** As long as the step will last: its hold, or until the candidate has had its requests. */
  readonly steps: ReadonlyArray<{ readonly share: number; readonly minutes: number }>;
  readonly metrics: ReadonlyArray<MetricForecast>;
}

/**
 * What a rollout under this policy could see, from the application's recent traffic (`recent`: its windows of
 * `windowSeconds`, idle ones included). Said before the start, because a canary at low traffic proves little: with no request
 * at all there is no forecast (null), and nothing that it could see.
 */
export const forecastCanary = (
  policy: Policy["canary"],
  recent: ReadonlyArray<ArmWindow>,
  windowSeconds: number,
): CanaryForecast | null => {
  const requests = sumOf(recent, (window) => window.requests);
  if (requests === 0) return null;
  const requestsPerMinute = (60 * requests) / (recent.length * windowSeconds);
  // The tests count conversations once: traffic of long ones shows less than its requests promise.
  const unitsPerMinute = (requestsPerMinute * sumOf(recent, (window) => unitsOf(window).n)) / requests;
  const steps = policy.steps.map(({ share, holdSeconds, minRequests }) => ({
    share,
    minutes: Math.max(1, Math.ceil(holdSeconds / 60), Math.ceil(minRequests / (requestsPerMinute * share))),
  }));
  const weights = sumOf(Object.values(policy.metrics), (metric) => metric.weight);
  return {
    requestsPerMinute,
    steps,
    metrics: seenMetrics(policy, recent).flatMap((metric): ReadonlyArray<MetricForecast> => {
      if (metric.weight === 0) return [];
      const weight = (metric.weight / weights) * (1 - LAST_STEP_SHARE);
      const plan: ForecastPlan = { unitsPerMinute, steps, alpha: policy.alpha, weight };
      const detectable = forecastDetectableEffects(plan, metric.kind).map(({ effect }) => effect);
      const { check, baseline } = metric;
      return [
        { check, baseline, detectable, sentence: sentenceOf(metric, requestsPerMinute, detectable.at(-1) ?? null) },
      ];
    }),
  };
};

interface SeenMetric {
  readonly check: CheckName;
  readonly weight: number;
  readonly baseline: number;
  readonly kind: ForecastMetric;
  readonly label: string;
  readonly inWords: (effect: number) => string;
}

/** The metrics that the recent traffic tells something about. */
const seenMetrics = ({ metrics }: Policy["canary"], recent: ReadonlyArray<ArmWindow>): ReadonlyArray<SeenMetric> => {
  const bins = mergedBins(recent.map((window) => unitsOf(window).latencyBins));
  const [median, p95] = [quantileMs(bins, 0.5), quantileMs(bins, 0.95)];
  const scores = sumOf(recent, ({ quality }) => quality.n);
  const mean = sumOf(recent, ({ quality }) => quality.sum) / scores;
  const variance = sumOf(recent, ({ quality }) => quality.sumSquares) / scores - mean * mean;
  const rate = (events: number, n: number) => (events + 0.5) / (n + 1);
  const percent = (value: number) => `${(100 * value).toFixed(2)} %`;
  const rateMetric = (
    check: "errorRate" | "refusalRate",
    baseline: number,
    label: string,
    { weight, marginOddsRatio }: Policy["canary"]["metrics"]["errorRate"],
  ): SeenMetric => ({
    check,
    weight,
    baseline,
    kind: { kind: "rate", baseRate: baseline, psi0: marginOddsRatio },
    label,
    inWords: (effect) => `${percent(baseline)} → ${percent(effect)}`,
  });
  const units = recent.map(unitsOf);
  const answered = sumOf(units, (counts) => counts.answered);
  const errors = rate(
    sumOf(units, (counts) => counts.errors),
    sumOf(units, (counts) => counts.n),
  );
  const refusals = rate(
    sumOf(units, (counts) => counts.refusals),
    answered,
  );
  const seen = [rateMetric("errorRate", errors, "errors", metrics.errorRate)];
  if (answered > 0) seen.push(rateMetric("refusalRate", refusals, "refusals", metrics.refusalRate));
  if (median !== null && p95 !== null && p95 > median)
    seen.push({
      check: "latencyP95",
      weight: metrics.latencyP95.weight,
      baseline: p95,
      // Latencies are near log-normal: p95 lies 1.645 standard deviations above the median.
      kind: { kind: "latency", logSd: Math.log(p95 / median) / 1.645, psi0: metrics.latencyP95.marginOddsRatio },
      label: "latency",
      inWords: (effect) => `p95 ${Math.round(p95)} → ${Math.round(p95 * effect)} ms`,
    });
  if (scores > 1 && variance > 0 && metrics.quality.sampleRate > 0)
    seen.push({
      check: "quality",
      weight: metrics.quality.weight,
      baseline: mean,
      kind: {
        kind: "mean",
        baseMean: mean,
        sd: Math.sqrt(variance),
        judgedShare: metrics.quality.sampleRate,
        margin: metrics.quality.margin,
      },
      label: "quality",
      inWords: (effect) => `${mean.toFixed(3)} → ${Math.max(0, mean - effect).toFixed(3)}`,
    });
  return seen;
};

const sentenceOf = ({ label, inWords }: SeenMetric, requestsPerMinute: number, effect: number | null): string => {
  const traffic = `At ${Number(requestsPerMinute.toPrecision(3))} requests a minute`;
  return effect === null
    ? `${traffic} this rollout can see no change of ${label} at all.`
    : `${traffic} this rollout sees ${label} ${inWords(effect)} with probability 0.8, and smaller changes less often.`;
};
