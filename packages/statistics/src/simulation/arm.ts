import { standardNormalTails, upperZ } from "../distributions/normal.ts";
import { drawBinomial, drawNormal } from "../random/draws.ts";
import type { RandomSource } from "../random/random-source.ts";
import type { PerQuantile } from "../sequential/exceedance.ts";
import type { ArmMinute } from "./minute.ts";
import { type Conditions, type Fault, worsen } from "./world.ts";

/** A kind of request: its base rates, its latency and how good its answers are. */
export type Kind = {
  readonly errors: number;
  readonly refusals: number;
  readonly flags: number;
  /** Added to the log latency. */
  readonly logLatency: number;
  /** Share of scores moved from the best grade to the middle one. */
  readonly scoreShift: number;
};

export const plainKind: Kind = { errors: 0.01, refusals: 0.03, flags: 0.002, logLatency: 0, scoreShift: 0 };

const MEDIAN_MS = 800;
export const LOG_LATENCY_SD = 0.6;
export const grades = [0, 0.25, 0.5, 0.75, 1];
export const gradeShares: ReadonlyArray<number> = [0.02, 0.05, 0.13, 0.3, 0.5];

const exceedance = (thresholdMs: number, logShift: number): number =>
  Math.exp(standardNormalTails((Math.log(thresholdMs / MEDIAN_MS) - logShift) / LOG_LATENCY_SD).logUpper);

/** Draws one arm's minute for `n` units of one kind, of which `judged` have a score. */
export const drawArm = (
  random: RandomSource,
  n: number,
  judged: number,
  kind: Kind,
  conditions: Conditions,
  fault: Fault,
  thresholdsMs: PerQuantile | null,
): ArmMinute => {
  const rate = (base: number, odds: number): number => worsen(base, conditions.eventOdds * odds);
  const errors = rate(kind.errors, fault.errorOdds);
  const logShift = conditions.logLatency + kind.logLatency + Math.log(fault.latencyRatio);
  return {
    n,
    events: {
      errors: drawBinomial(random, n, errors + (1 - errors) * conditions.outage),
      refusals: drawBinomial(random, n, rate(kind.refusals, fault.refusalOdds)),
      flags: drawBinomial(random, n, rate(kind.flags, 1)),
    },
    over: thresholdsMs === null ? { p90: 0, p95: 0, p99: 0 } : drawOver(random, n, thresholdsMs, logShift),
    scores: drawScores(random, judged, conditions.scoreShift + kind.scoreShift + fault.scoreShift),
  };
};

// Thresholds are nested: of those above p90 some are above p95, of these some above p99.
const drawOver = (random: RandomSource, n: number, thresholdsMs: PerQuantile, logShift: number): PerQuantile => {
  const s90 = exceedance(thresholdsMs.p90, logShift);
  const s95 = exceedance(thresholdsMs.p95, logShift);
  const s99 = exceedance(thresholdsMs.p99, logShift);
  const p90 = drawBinomial(random, n, s90);
  const p95 = drawBinomial(random, p90, s95 / s90);
  return { p90, p95, p99: drawBinomial(random, p95, s99 / s95) };
};

const drawScores = (random: RandomSource, n: number, shift: number) => {
  const moved = Math.min(0.5, Math.max(0, shift));
  let left = n;
  let share = 1;
  let sum = 0;
  let sumSquares = 0;
  grades.forEach((grade, i) => {
    const own = (gradeShares[i] as number) + (i === 4 ? -moved : i === 2 ? moved : 0);
    const count = i === 4 ? left : drawBinomial(random, left, Math.min(1, own / share));
    left -= count;
    share -= own;
    sum += count * grade;
    sumSquares += count * grade * grade;
  });
  return { n, sum, sumSquares };
};

/** The baseline's sample quantiles of a minute: normal around the true ones, with the spread of an order statistic. */
export const drawQuantiles = (random: RandomSource, n: number, conditions: Conditions): PerQuantile => {
  const quantile = (tail: number): number => {
    const z = upperZ(tail);
    const density = Math.exp((-z * z) / 2) / (Math.sqrt(2 * Math.PI) * LOG_LATENCY_SD);
    const noise = (Math.sqrt((tail * (1 - tail)) / Math.max(1, n)) / density) * drawNormal(random);
    return MEDIAN_MS * Math.exp(conditions.logLatency + z * LOG_LATENCY_SD + noise);
  };
  return { p90: quantile(0.1), p95: quantile(0.05), p99: quantile(0.01) };
};
