import { normal } from "../distributions/normal.ts";
import { requireCount, requireNumbersWithin, requireProbability, requireWithin } from "../invalid-argument.ts";
import { asymptoticInterval } from "./asymptotic-interval.ts";
import type { PairedStratum } from "./paired-betting.ts";

export type ObrienFlemingConfig = {
  /** Number of pairs declared beforehand; nothing is rejected beyond it. */
  readonly horizon: number;
  readonly alpha: number;
  readonly margin: number;
  readonly confidence: number;
};

export type ObrienFlemingState = {
  readonly config: ObrienFlemingConfig;
  readonly n: number;
  readonly mean: number;
  readonly sumSquares: number;
  /** Once the boundary was crossed it stays so. */
  readonly rejected: boolean;
  readonly rejectedAt: number | null;
};

export type ObrienFlemingEvidence = {
  readonly method: "obrien-fleming";
  /** (sum of differences + n·margin)/√(horizon·variance), to be compared with −boundary; null while there is no variance. */
  readonly score: number | null;
  readonly boundary: number;
  readonly rejected: boolean;
  readonly rejectedAt: number | null;
  readonly estimate: number | null;
  readonly interval: { readonly low: number; readonly high: number; readonly confidence: number } | null;
  readonly n: { readonly baseline: number; readonly candidate: number };
};

// The boundary rests on a normal sum with an estimated variance: neither is worth trusting before.
const MINIMUM_PAIRS = 50;
// As if one more difference had been seen, as far away as can be: while all differences are small losses and the rare large
// gains that balance them are still to come, the variance seen so far is far too small.
const UNSEEN_SQUARE = 1;

/** Constant boundary for a Brownian motion on [0, 1] looked at all the time: P(max B ≥ c) = 2(1 − Φ(c)) = α. */
export const obrienFlemingBoundary = (alpha: number): number =>
  normal.upperQuantile(requireProbability("alpha", alpha) / 2);

const initial = (
  config: Pick<ObrienFlemingConfig, "horizon" | "alpha"> & Partial<ObrienFlemingConfig>,
): ObrienFlemingState => {
  const full = { margin: 0, confidence: 0.95, ...config };
  requireCount("horizon", full.horizon, 1);
  requireProbability("alpha", full.alpha);
  requireWithin("margin", full.margin, 0, 1);
  return { config: full, n: 0, mean: 0, sumSquares: 0, rejected: false, rejectedAt: null };
};

const scoreOf = (state: ObrienFlemingState): number | null => {
  if (state.n < 2 || state.sumSquares === 0) return null;
  const variance = (state.sumSquares + UNSEEN_SQUARE) / (state.n - 1);
  return (state.n * (state.mean + state.config.margin)) / Math.sqrt(state.config.horizon * variance);
};

const update = (state: ObrienFlemingState, stratum: PairedStratum): ObrienFlemingState => {
  const differences = requireNumbersWithin("differences", stratum.differences, -1, 1, 0);
  const boundary = obrienFlemingBoundary(state.config.alpha);
  let { n, mean, sumSquares, rejectedAt } = state;
  for (const difference of differences) {
    n += 1;
    const deviation = difference - mean;
    mean += deviation / n;
    sumSquares += deviation * (difference - mean);
    if (rejectedAt === null && n >= MINIMUM_PAIRS && n <= state.config.horizon) {
      const score = scoreOf({ ...state, n, mean, sumSquares });
      if (score !== null && score <= -boundary) rejectedAt = n;
    }
  }
  return { ...state, n, mean, sumSquares, rejected: rejectedAt !== null, rejectedAt };
};

const evidence = (state: ObrienFlemingState): ObrienFlemingEvidence => ({
  method: "obrien-fleming",
  score: scoreOf(state),
  boundary: obrienFlemingBoundary(state.config.alpha),
  rejected: state.rejected,
  rejectedAt: state.rejectedAt,
  estimate: state.n > 0 ? state.mean : null,
  interval:
    state.n > 1
      ? asymptoticInterval(
          state.mean,
          state.sumSquares / (state.n - 1),
          state.n,
          state.config.horizon,
          state.config.confidence,
        )
      : null,
  n: { baseline: state.n, candidate: state.n },
});

/**
 * O'Brien–Fleming test on paired differences over a horizon declared beforehand, looked at after every pair: rejects once
 * Σ(d + margin) ≤ −c·σ̂·√horizon with c = z_{α/2}. Sharp for effects that the horizon is made for, and silent beyond it.
 * σ̂² counts one more square of 1 than was seen, so that rare large gains which have not come yet do not make it far too small.
 * Assumes independent pairs of equal variance and a near-normal sum (at least 50 pairs): unlike `pairedBetting` its level is
 * approximate. Where some ten large gains balance many small losses it rejects in 7 % of healthy series at α = .025 and in 5 %
 * at .005; differences of −1, 0 and 1 keep within a third of α.
 * Errors: a horizon that is not a whole number of at least 1. Source: O'Brien & Fleming 1979; Lan & DeMets 1983.
 */
export const obrienFleming = { initial, update, evidence };
