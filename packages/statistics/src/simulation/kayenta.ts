import { mannWhitney } from "../offline/mann-whitney.ts";
import { drawBinomial } from "../random/draws.ts";
import { type RandomSource, randomSource } from "../random/random-source.ts";
import type { ArmMinute, Minute } from "./minute.ts";
import type { Method } from "./watcher.ts";

// Kayenta's NetflixACAJudge: 98 % confidence interval of the Hodges–Lehmann shift; a metric is High when its lower end lies
// above a quarter of the estimate, and Low likewise. Without the removal of outliers, which sparse counts do not survive.
const ONE_SIDED_LEVEL = 0.01;
const TOLERANCE = 0.25;
const LOOK_EVERY_MINUTES = 30;

/** Harmful direction up: error, refusal and flag rates, share above the baseline's p95, and 1 − mean score. */
const pointsOf = (arm: ArmMinute): ReadonlyArray<number | null> => [
  arm.n > 0 ? arm.events.errors / arm.n : null,
  arm.n > 0 ? arm.events.refusals / arm.n : null,
  arm.n > 0 ? arm.events.flags / arm.n : null,
  arm.n > 0 ? arm.over.p95 / arm.n : null,
  arm.scores.n > 0 ? 1 - arm.scores.sum / arm.scores.n : null,
];

type Direction = "increase" | "either";

const differs = (candidate: ReadonlyArray<number>, baseline: ReadonlyArray<number>, direction: Direction): boolean =>
  isHigh(candidate, baseline) || (direction === "either" && isHigh(baseline, candidate));

const isHigh = (candidate: ReadonlyArray<number>, baseline: ReadonlyArray<number>): boolean => {
  if (candidate.length === 0 || baseline.length === 0) return false;
  const spread = new Set([...candidate, ...baseline]).size;
  if (spread < 2) return false;
  const rejects = (shift: number): boolean =>
    mannWhitney(
      candidate.map((value) => value - shift),
      baseline,
      { alternative: "greater", method: "normal" },
    ).pValue < ONE_SIDED_LEVEL;
  if (!rejects(0)) return false;
  const shifts = candidate.flatMap((c) => baseline.map((b) => c - b)).sort((a, b) => a - b);
  const estimate = shifts[shifts.length >> 1] as number;
  // The interval's lower end exceeds a shift exactly when the test at that shift rejects.
  return rejects(TOLERANCE * Math.abs(estimate));
};

/** The larger arm cut down to the size of the smaller one, as with a fresh baseline of equal size. */
const equalised = (random: RandomSource, { baseline, candidate }: Minute): readonly [ArmMinute, ArmMinute] => {
  const n = Math.min(baseline.n, candidate.n);
  const judged = Math.min(baseline.scores.n, candidate.scores.n);
  const thin = (arm: ArmMinute): ArmMinute => {
    if (arm.n <= n) return arm;
    const events = (x: number): number => drawBinomial(random, n, x / arm.n);
    const mean = arm.scores.n > 0 ? arm.scores.sum / arm.scores.n : 0;
    const variance = arm.scores.n > 0 ? arm.scores.sumSquares / arm.scores.n - mean * mean : 0;
    // The mean of a subsample: normal enough for a rank test, with the spread of its size.
    const noise = Math.sqrt((12 * Math.max(0, variance)) / Math.max(1, judged)) * (random() - 0.5);
    return {
      n,
      events: {
        errors: events(arm.events.errors),
        refusals: events(arm.events.refusals),
        flags: events(arm.events.flags),
      },
      over: { p90: events(arm.over.p90), p95: events(arm.over.p95), p99: events(arm.over.p99) },
      scores: arm.scores.n <= judged ? arm.scores : { n: judged, sum: judged * (mean + noise), sumSquares: 0 },
    };
  };
  return [thin(baseline), thin(candidate)];
};

const kayenta = (name: string, equal: boolean, direction: Direction): Method => ({
  name,
  unit: "request",
  start: ({ seed }) => {
    const random = randomSource(seed);
    const series = { baseline: [[], [], [], [], []] as number[][], candidate: [[], [], [], [], []] as number[][] };
    let minutes = 0;
    return {
      look: (minute) => {
        minutes++;
        const [baseline, candidate] = equal ? equalised(random, minute) : [minute.baseline, minute.candidate];
        pointsOf(baseline).forEach((value, i) => {
          if (value !== null) series.baseline[i]?.push(value);
        });
        pointsOf(candidate).forEach((value, i) => {
          if (value !== null) series.candidate[i]?.push(value);
        });
        if (minutes % LOOK_EVERY_MINUTES !== 0) return false;
        return series.candidate.some((values, i) => differs(values, series.baseline[i] as number[], direction));
      },
    };
  },
});

/** Mann–Whitney on one point a minute, judged every 30 minutes on all points so far: the whole baseline against the canary. */
export const kayentaUnequal = kayenta(
  "Kayenta Mann–Whitney, unequal arms (direction either, its default)",
  false,
  "either",
);
export const kayentaUnequalIncrease = kayenta(
  "Kayenta Mann–Whitney, unequal arms (direction increase)",
  false,
  "increase",
);
/** The same against a baseline of the canary's size. */
export const kayentaEqual = kayenta("Kayenta Mann–Whitney, equal arms (direction increase)", true, "increase");
