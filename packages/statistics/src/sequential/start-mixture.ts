import { InvalidArgument, requirePositive, requireProbability } from "../invalid-argument.ts";
import { logAddExp } from "../special/log-arithmetic.ts";

/**
 * Prior over the window in which a fault begins. Window 1 has `atFirst`: most faults are in the candidate from its first
 * request. The rest is spread as τ/(τ+s−2) − τ/(τ+s−1) for s ≥ 2: nearly flat over a rollout of τ windows, then 1/s², so
 * that the weights sum to 1 over an unbounded time and a late fault costs log(2s) or so, not its whole healthy past.
 */
export type StartPrior = { readonly atFirst: number; readonly spanWindows: number };

/** A mixture of e-processes over alternatives (with prior weights that sum to 1) and over starts. */
export type MixtureConfig = {
  readonly weights: ReadonlyArray<number>;
  readonly start: StartPrior;
  /**
   * By how much dependence inflates the variance of the counts (1: independent units). Every log increment is divided by it.
   * e^{1/φ} of an e-value is an e-value (Jensen), so with independent units it costs time only. With dependent ones it is an
   * approximation: φ matches the variance of the counts, not their tails, so that the bound holds for many small clusters a
   * window and can be exceeded with a few large ones; less than the true φ breaks it. Take it from `designEffectOfRate` on the
   * baseline's earlier traffic, and only where units cannot be counted once each.
   */
  readonly designEffect: number;
};

export const requireMixture = (config: MixtureConfig, alternatives: number, argument: string): void => {
  const sum = config.weights.reduce((total, weight) => total + requirePositive("weights", weight), 0);
  if (config.weights.length !== alternatives || Math.abs(sum - 1) > 1e-9) {
    throw new InvalidArgument("weights", config.weights, `one per entry of ${argument}, summing to 1`);
  }
  requireProbability("start.atFirst", config.start.atFirst);
  requirePositive("start.spanWindows", config.start.spanWindows);
  if (!(config.designEffect >= 1 && Number.isFinite(config.designEffect))) {
    throw new InvalidArgument("designEffect", config.designEffect, "a finite number of at least 1");
  }
};

export const startWeight = (prior: StartPrior, window: number): number => {
  if (window === 1) return prior.atFirst;
  const tau = prior.spanWindows;
  return ((1 - prior.atFirst) * tau) / ((tau + window - 2) * (tau + window - 1));
};

/** The prior weight of starts after `window`. */
export const weightAfter = (prior: StartPrior, window: number): number =>
  window === 0 ? 1 : ((1 - prior.atFirst) * prior.spanWindows) / (prior.spanWindows + window - 1);

/**
 * Per alternative, log Σ_s w_s Π_{t ≥ s} e_t after one more window (number `window`, from 1) with these log increments:
 * the sum over starts needs no memory of them, since A_t = e_t·(A_{t−1} + w_t).
 */
export const advanceStarts = (
  logStarted: ReadonlyArray<number>,
  logIncrements: ReadonlyArray<number>,
  config: MixtureConfig,
  window: number,
): ReadonlyArray<number> => {
  const logNew = Math.log(startWeight(config.start, window));
  return logIncrements.map((increment, j) => {
    const before = logStarted[j];
    return increment / config.designEffect + (before === undefined ? logNew : logAddExp(before, logNew));
  });
};

/** log [Σ_j q_j A_j + weight of starts still to come]: the log e-value of the whole mixture. */
export const mixtureLogE = (logStarted: ReadonlyArray<number>, config: MixtureConfig, window: number): number => {
  if (logStarted.length === 0) return 0;
  let peak = Number.NEGATIVE_INFINITY;
  for (const log of logStarted) if (log > peak) peak = log;
  let sum = 0;
  for (let j = 0; j < logStarted.length; j++) {
    sum += (config.weights[j] as number) * Math.exp((logStarted[j] as number) - peak);
  }
  return logAddExp(peak + Math.log(sum), Math.log(weightAfter(config.start, window)));
};
