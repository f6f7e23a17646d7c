import { InvalidArgument, requirePositive, requireProbability, requireWithin } from "../invalid-argument.ts";
import { findRoot } from "../special/root.ts";
import { passageProbability } from "./first-passage.ts";
import { type ForecastMetric, growthsOf } from "./growth.ts";

export type ForecastPlan = {
  /** Units (conversations) a minute over both arms. */
  readonly unitsPerMinute: number;
  readonly steps: ReadonlyArray<{ readonly share: number; readonly minutes: number }>;
  /** False-alarm budget of the rollout. */
  readonly alpha: number;
  /** This metric's weight in the combined e-value, in (0, 1]: one fifth with five equal metrics. */
  readonly weight: number;
};

export type DetectionForecast = {
  /** Probability that a fault present from the first minute is detected by the end of each step. */
  readonly steps: ReadonlyArray<{ readonly share: number; readonly endMinute: number; readonly probability: number }>;
  /** Minute by which it is detected with probability 50, 80 and 95 %; null when the ramp ends before. */
  readonly minutes: { readonly p50: number | null; readonly p80: number | null; readonly p95: number | null };
};

const requirePlan = (plan: ForecastPlan): void => {
  requirePositive("unitsPerMinute", plan.unitsPerMinute);
  requireProbability("alpha", plan.alpha);
  requireWithin("weight", plan.weight, Number.MIN_VALUE, 1);
  if (plan.steps.length === 0) throw new InvalidArgument("steps", plan.steps, "a list of at least 1 step");
  plan.steps.forEach((step, i) => {
    requireWithin(`steps[${i}].share`, step.share, Number.MIN_VALUE, 1);
    requirePositive(`steps[${i}].minutes`, step.minutes);
  });
};

const requireMetric = (metric: ForecastMetric): void => {
  if (metric.kind === "rate") requireProbability("metric.baseRate", metric.baseRate);
  else if (metric.kind === "latency") requirePositive("metric.logSd", metric.logSd);
  else {
    requireProbability("metric.baseMean", metric.baseMean);
    requirePositive("metric.sd", metric.sd);
    requireWithin("metric.judgedShare", metric.judgedShare, Number.MIN_VALUE, 1);
  }
};

/** Detection probability at the end of each step and, if wanted, after each minute. */
const probabilities = (
  plan: ForecastPlan,
  metric: ForecastMetric,
  effect: number,
  visit: (minute: number, probability: number) => void,
): ReadonlyArray<number> => {
  const bar = Math.log(1 / (plan.alpha * plan.weight));
  const means: Array<number> = [];
  const variances: Array<number> = [];
  let minute = 0;
  let best = 0;
  return plan.steps.map(({ share, minutes }) => {
    // At share 1 there is no baseline to compare with: nothing is learned.
    const candidate = plan.unitsPerMinute * share;
    const growths =
      share < 1 ? growthsOf(metric, effect, { baseline: plan.unitsPerMinute - candidate, candidate }) : [];
    for (let i = 0; i < minutes; i++) {
      minute++;
      growths.forEach((growth, j) => {
        means[j] = (means[j] ?? 0) + growth.mean;
        variances[j] = (variances[j] ?? 0) + growth.variance;
        best = Math.max(best, passageProbability(means[j] as number, variances[j] as number, bar + growth.cost));
      });
      visit(minute, best);
    }
    return best;
  });
};

/**
 * What a ramp will detect of a given fault that is there from the first minute: `effect` is the candidate's rate, the ratio
 * of its latencies to the baseline's, or the drop of its mean score. By the growth of the log e-value of each alternative of
 * the mixture as a Brownian motion; the mixture detects at least as often as its best alternative. Within some 15 per cent
 * in time of the simulation where five or more events are expected. Errors name the argument.
 */
export const forecastDetection = (plan: ForecastPlan, metric: ForecastMetric, effect: number): DetectionForecast => {
  requirePlan(plan);
  requireMetric(metric);
  if (metric.kind === "rate") requireProbability("effect", effect);
  else requirePositive("effect", effect);
  const reached: { p50: number | null; p80: number | null; p95: number | null } = { p50: null, p80: null, p95: null };
  const atEnds = probabilities(plan, metric, effect, (minute, probability) => {
    if (probability >= 0.5) reached.p50 ??= minute;
    if (probability >= 0.8) reached.p80 ??= minute;
    if (probability >= 0.95) reached.p95 ??= minute;
  });
  let endMinute = 0;
  return {
    steps: plan.steps.map(({ share, minutes }, i) => {
      endMinute += minutes;
      return { share, endMinute, probability: atEnds[i] as number };
    }),
    minutes: reached,
  };
};

/**
 * The smallest effect that is detected by the end of each step with probability `power`, for a fault that is there from the
 * first minute; null where not even the largest is (all requests fail, latency × 100, a drop of the mean to 0). The last
 * entry is what the whole ramp can see: "at 10 requests a minute this ramp cannot see errors 1 → 2 %".
 */
export const forecastDetectableEffects = (
  plan: ForecastPlan,
  metric: ForecastMetric,
  power = 0.8,
): ReadonlyArray<{ readonly share: number; readonly endMinute: number; readonly effect: number | null }> => {
  requirePlan(plan);
  requireMetric(metric);
  requireProbability("power", power);
  const [least, most] = rangeOf(metric);
  let endMinute = 0;
  return plan.steps.map(({ share, minutes }, i) => {
    endMinute += minutes;
    const upTo = { ...plan, steps: plan.steps.slice(0, i + 1) };
    const gap = (log: number): number =>
      (probabilities(upTo, metric, Math.exp(log), () => {}).at(-1) as number) - power;
    const effect = gap(Math.log(most)) < 0 ? null : Math.exp(findRoot(gap, Math.log(least), Math.log(most), 1e-4));
    return { share, endMinute, effect };
  });
};

const rangeOf = (metric: ForecastMetric): readonly [number, number] => {
  if (metric.kind === "rate") return [metric.baseRate * (1 + 1e-6), 1 - 1e-6];
  if (metric.kind === "latency") return [1 + 1e-6, 100];
  return [1e-5, metric.baseMean];
};
