import { type CheckName, type Policy, quantileMs } from "@sluice/contracts";
import type { ForecastMetric } from "@sluice/statistics";
import type { RecentTraffic } from "./recent-traffic.ts";

/** A metric as the recent traffic shows it. */
export interface SeenMetric {
  readonly check: CheckName;
  readonly weight: number;
  readonly baseline: number;
  readonly kind: ForecastMetric;
  /** The rate, ratio of latencies or drop of the mean that policy asks to see; null where it asks for nothing. */
  readonly mustDetect: number | null;
  readonly label: string;
  readonly inWords: (effect: number) => string;
  readonly note: string;
}

type Metrics = Policy["canary"]["metrics"];

/** The metrics that the recent traffic tells something about. */
export const seenMetrics = ({ metrics }: Policy["canary"], traffic: RecentTraffic): ReadonlyArray<SeenMetric> => [
  rateMetric("errorRate", "errors", metrics.errorRate, rateOf(traffic.errors, traffic.requests)),
  ...(traffic.answered > 0
    ? [rateMetric("refusalRate", "refusals", metrics.refusalRate, rateOf(traffic.refusals, traffic.answered))]
    : []),
  ...latencyMetric(metrics.latencyP95, traffic),
  ...qualityMetric(metrics.quality, traffic),
];

/** A rate of 0 in some traffic is not a rate of 0. */
const rateOf = (events: number, n: number): number => (events + 0.5) / (n + 1);

/** What decides nothing need not be seen. */
const asked = <T extends Metrics[keyof Metrics]>({ mode, onBreach, mustDetect }: T): number | null =>
  mode === "warn" || onBreach === "warn" ? null : mustDetect;

const percent = (value: number): string => `${(100 * value).toFixed(2)} %`;
const MOST = 1 - 1e-6;

const rateMetric = (
  check: "errorRate" | "refusalRate",
  label: string,
  policy: Metrics["errorRate"],
  baseline: number,
): SeenMetric => {
  const increase = policy.direction === "decrease" ? null : asked(policy);
  return {
    check,
    weight: policy.weight,
    baseline,
    kind: { kind: "rate", baseRate: baseline, psi0: policy.marginOddsRatio },
    mustDetect: increase === null ? null : Math.min(MOST, baseline + Math.max(increase, 1e-6)),
    label,
    inWords: (effect) => `${percent(baseline)} → ${percent(effect)}`,
    note: "",
  };
};

const latencyMetric = (policy: Metrics["latencyP95"], { latencyBins }: RecentTraffic): ReadonlyArray<SeenMetric> => {
  const [median, p95] = [quantileMs(latencyBins, 0.5), quantileMs(latencyBins, 0.95)];
  if (median === null || p95 === null || p95 <= median) return [];
  return [
    {
      check: "latencyP95",
      weight: policy.weight,
      baseline: p95,
      // Latencies are near log-normal: p95 lies 1.645 standard deviations above the median.
      kind: { kind: "latency", logSd: Math.log(p95 / median) / 1.645, psi0: policy.marginOddsRatio },
      mustDetect: asked(policy),
      label: "latency",
      inWords: (effect) => `p95 ${Math.round(p95)} → ${Math.round(p95 * effect)} ms`,
      note: "",
    },
  ];
};

/** Scores in [0, 1] spread at most so much, and so they are taken where nobody has judged recent answers. */
const UNKNOWN_SCORES = { mean: 0.5, sd: 0.5 };

const qualityMetric = (policy: Metrics["quality"], { quality }: RecentTraffic): ReadonlyArray<SeenMetric> => {
  if (policy.sampleRate === 0) return [];
  const known = quality.n > 1;
  const mean = known ? quality.sum / quality.n : UNKNOWN_SCORES.mean;
  const sd = known ? Math.sqrt(quality.sumSquares / quality.n - mean * mean) : UNKNOWN_SCORES.sd;
  // Scores that are all alike have no spread to reckon with, and any change of them shows.
  if (!(sd > 0) || mean <= 0 || mean >= 1) return [];
  const drop = asked(policy);
  return [
    {
      check: "quality",
      weight: policy.weight,
      baseline: mean,
      kind: { kind: "mean", baseMean: mean, sd, judgedShare: policy.sampleRate, margin: policy.margin },
      mustDetect: drop === null ? null : Math.min(mean, Math.max(drop, 1e-5)),
      label: "quality",
      inWords: (effect) => `${mean.toFixed(3)} → ${Math.max(0, mean - effect).toFixed(3)}`,
      note: known ? "" : " Nobody has scored recent answers, so the widest spread of scores is reckoned with.",
    },
  ];
};
