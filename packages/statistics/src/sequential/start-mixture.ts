/**
 * Prior over the window in which a fault begins. Window 1 has `atFirst`: most faults are in the candidate from its first
 * request. The rest is spread as τ/(τ+s−2) − τ/(τ+s−1) for s ≥ 2: nearly flat over a rollout of τ windows, then 1/s², so
 * that the weights sum to 1 over an unbounded time and a late fault costs log(2s) or so, not its whole healthy past.
 */
export type StartPrior = { readonly atFirst: number; readonly spanWindows: number };

export const startWeight = (prior: StartPrior, window: number): number => {
  if (window === 1) return prior.atFirst;
  const tau = prior.spanWindows;
  return ((1 - prior.atFirst) * tau) / ((tau + window - 2) * (tau + window - 1));
};

/** The prior weight of starts after `window`. */
export const weightAfter = (prior: StartPrior, window: number): number =>
  window === 0 ? 1 : ((1 - prior.atFirst) * prior.spanWindows) / (prior.spanWindows + window - 1);
