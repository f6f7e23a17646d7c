import {
  InvalidArgument,
  requireNumbersWithin,
  requirePositive,
  requireProbability,
  requireWithin,
} from "../invalid-argument.ts";
import { logSumExp } from "../special/log-arithmetic.ts";
import { asymptoticInterval } from "./asymptotic-interval.ts";
import type { Evidence } from "./evidence.ts";

export type PairedBettingConfig = {
  /** A drop of the mean up to this size is tolerated, in score units. */
  readonly margin: number;
  /** Drops to bet on, in standard deviations of a difference, with their prior weights. */
  readonly effects: ReadonlyArray<number>;
  readonly weights: ReadonlyArray<number>;
  readonly confidence: number;
};

/** A batch of judged pairs in the order of the log: candidate − baseline, each in [−1, 1]. */
export type PairedStratum = { readonly differences: ReadonlyArray<number> };

export type PairedBettingState = {
  readonly config: PairedBettingConfig;
  readonly n: number;
  readonly mean: number;
  /** Σ (d − mean)², kept by Welford's recurrence. */
  readonly sumSquares: number;
  readonly logWealth: ReadonlyArray<number>;
  readonly peakLogE: number;
};

export type PairedEvidence = Evidence & {
  readonly method: "paired-betting";
  readonly margin: number;
  readonly standardDeviation: number | null;
};

const defaults: PairedBettingConfig = {
  margin: 0,
  // From a drop that takes 20,000 pairs to see to one that takes a hundred; between two of them little is lost.
  effects: [0.025, 0.06, 0.15, 0.35],
  weights: [0.25, 0.25, 0.25, 0.25],
  confidence: 0.95,
};

// A bet never risks more than this share of the wealth, so that a single pair cannot end the process.
const LARGEST_BET = 0.9;
// Before there are differences: as if ten had shown a standard deviation of 0.5. A wide prior makes the first bets timid.
const PRIOR_PAIRS = 10;
const PRIOR_VARIANCE = 0.25;
const DISPLAY_TUNING = 1_000;

const initial = (config: Partial<PairedBettingConfig> = {}): PairedBettingState => {
  const full = { ...defaults, ...config };
  requireWithin("margin", full.margin, 0, 1);
  full.effects.forEach((effect, i) => {
    requirePositive(`effects[${i}]`, effect);
  });
  const sum = full.weights.reduce((total, weight) => total + requirePositive("weights", weight), 0);
  if (full.weights.length !== full.effects.length || Math.abs(sum - 1) > 1e-9) {
    throw new InvalidArgument("weights", full.weights, "one per effect, summing to 1");
  }
  requireProbability("confidence", full.confidence);
  return { config: full, n: 0, mean: 0, sumSquares: 0, logWealth: full.effects.map(() => 0), peakLogE: 0 };
};

const update = (state: PairedBettingState, stratum: PairedStratum): PairedBettingState => {
  const differences = requireNumbersWithin("differences", stratum.differences, -1, 1, 0);
  const { effects, margin, weights } = state.config;
  const logWeights = weights.map(Math.log);
  const logWealth = [...state.logWealth];
  let { n, mean, sumSquares, peakLogE } = state;
  for (const difference of differences) {
    // The bet is fixed before the difference is seen: by the variance of the earlier ones.
    const sd = Math.sqrt((sumSquares + PRIOR_PAIRS * PRIOR_VARIANCE) / (n + PRIOR_PAIRS));
    for (let j = 0; j < effects.length; j++) {
      const bet = Math.min((effects[j] as number) / sd, LARGEST_BET / (1 + margin));
      logWealth[j] = (logWealth[j] as number) + Math.log1p(-bet * (difference + margin));
    }
    n += 1;
    const deviation = difference - mean;
    mean += deviation / n;
    sumSquares += deviation * (difference - mean);
    peakLogE = Math.max(peakLogE, logSumExp(logWealth.map((log, j) => log + (logWeights[j] as number))));
  }
  return { ...state, n, mean, sumSquares, logWealth, peakLogE };
};

const evidence = (state: PairedBettingState): PairedEvidence => {
  const variance = state.n > 1 ? state.sumSquares / (state.n - 1) : null;
  const { weights, confidence, margin } = state.config;
  return {
    method: "paired-betting",
    logE: logSumExp(state.logWealth.map((log, j) => log + Math.log(weights[j] as number))),
    peakLogE: state.peakLogE,
    margin,
    estimate: state.n > 0 ? state.mean : null,
    interval: variance === null ? null : asymptoticInterval(state.mean, variance, state.n, DISPLAY_TUNING, confidence),
    standardDeviation: variance === null ? null : Math.sqrt(variance),
    n: { baseline: state.n, candidate: state.n },
  };
};

/**
 * Betting e-process on paired differences d = candidate − baseline in [−1, 1]. H₀: given the past, the mean of each
 * difference is at least −margin. Wealth Π (1 − λᵢ(dᵢ + margin)) with bets λᵢ ≤ 0.9/(1 + margin) fixed before dᵢ (an effect
 * size over the standard deviation so far), averaged over effect sizes: under H₀ it reaches 1/α with probability at most α.
 * No other assumption on the distribution; the order of the pairs must not depend on their scores, and pairs of one
 * conversation should be averaged to one difference. Splitting a list into batches changes nothing.
 * Errors: a difference outside [−1, 1]. Source: Waudby-Smith & Ramdas 2024, "Estimating means of bounded random variables by
 * betting".
 */
export const pairedBetting = { initial, update, evidence };

/**
 * log of the mean over fixed bets λ of Π (1 − λ(d + margin)): the plain form, for a whole list at once.
 * Errors: a bet that could lose everything (λ(1 + margin) ≥ 1), differences outside [−1, 1].
 */
export const bettingGridLogE = (
  differences: ReadonlyArray<number>,
  bets: ReadonlyArray<number>,
  margin = 0,
): number => {
  requireNumbersWithin("differences", differences, -1, 1, 0);
  requireWithin("margin", margin, 0, 1);
  requireNumbersWithin("bets", bets, 0, 1);
  const logs = bets.map((bet, i) => {
    let log = 0;
    for (const difference of differences) log += Math.log1p(-bet * (difference + margin));
    if (!Number.isFinite(log)) throw new InvalidArgument(`bets[${i}]`, bet, "a bet that no difference can ruin");
    return log;
  });
  return logSumExp(logs) - Math.log(bets.length);
};
