import type { RandomSource } from "../random/random-source.ts";

/** How traffic behaves in one minute, for both arms alike. */
export type Conditions = {
  /** Requests in the minute as a multiple of the mean. */
  readonly volume: number;
  /** Multiplies the odds of every event. */
  readonly eventOdds: number;
  /** Share of requests that fail on top, in an outage. */
  readonly outage: number;
  /** Added to the log of every latency. */
  readonly logLatency: number;
  /** Share of scores moved from the best grade to the middle one. */
  readonly scoreShift: number;
};

export const steady: Conditions = { volume: 1, eventOdds: 1, outage: 0, logLatency: 0, scoreShift: 0 };

/**
 * A daily cycle at a random hour with noise on top: volume ± 40 %, event odds × 0.4 to 2.5, latency ± 25 %, scores ± 0.05, and
 * two outages of three minutes in which every fifth request of either arm fails.
 */
export const drifting = (random: RandomSource, minutes: number): ReadonlyArray<Conditions> => {
  const phase = 2 * Math.PI * random();
  const outages = [Math.floor(random() * minutes), Math.floor(random() * minutes)];
  let wander = 0;
  return Array.from({ length: minutes }, (_, minute) => {
    const cycle = Math.sin(phase + (2 * Math.PI * minute) / 180);
    wander = 0.9 * wander + 0.15 * (random() + random() - 1);
    return {
      volume: 1 + 0.4 * cycle,
      eventOdds: Math.exp(0.7 * cycle + wander),
      outage: outages.some((start) => minute >= start && minute < start + 3) ? 0.2 : 0,
      logLatency: 0.2 * cycle + 0.3 * wander,
      scoreShift: 0.1 * (1 + cycle) * 0.5,
    };
  });
};

/** A candidate's fault: odds of an event, latency and scores against the baseline's, from some minute on. */
export type Fault = {
  readonly fromMinute: number;
  readonly errorOdds: number;
  readonly refusalOdds: number;
  readonly latencyRatio: number;
  readonly scoreShift: number;
};

export const noFault: Fault = { fromMinute: 0, errorOdds: 1, refusalOdds: 1, latencyRatio: 1, scoreShift: 0 };

export const worsen = (rate: number, odds: number): number => (rate * odds) / (1 - rate + rate * odds);

/** Odds that turn one rate into another. */
export const oddsBetween = (from: number, to: number): number => ((to / (1 - to)) * (1 - from)) / from;
