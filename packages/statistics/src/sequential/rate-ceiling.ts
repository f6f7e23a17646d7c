import { InvalidArgument, requireProbability } from "../invalid-argument.ts";
import { type Proportion, requireProportion } from "../offline/two-proportions.ts";
import { asymptoticInterval } from "./asymptotic-interval.ts";
import type { Evidence } from "./evidence.ts";
import { advanceStarts, type MixtureConfig, mixtureLogE, requireMixture } from "./start-mixture.ts";

export type RateCeilingConfig = MixtureConfig & {
  /** The rate that the candidate must not exceed, strictly between 0 and 1. */
  readonly ceiling: number;
  readonly oddsRatios: ReadonlyArray<number>;
  readonly confidence: number;
};

export type CeilingStratum = { readonly candidate: Proportion };

export type RateCeilingState = {
  readonly config: RateCeilingConfig;
  readonly windows: number;
  readonly logStarted: ReadonlyArray<number>;
  readonly peakLogE: number;
  readonly candidate: Proportion;
};

export type RateCeilingEvidence = Evidence & {
  readonly method: "rate-ceiling";
  readonly ceiling: number;
  readonly candidate: Proportion;
};

const defaults = {
  oddsRatios: [1.3, 1.7, 2.4, 5, 15],
  weights: [0.15, 0.3, 0.25, 0.25, 0.05],
  start: { atFirst: 0.75, spanWindows: 120 },
  designEffect: 1,
  confidence: 0.95,
};
const DISPLAY_TUNING = 2_000;

const initial = (config: { readonly ceiling: number } & Partial<RateCeilingConfig>): RateCeilingState => {
  const full = { ...defaults, ...config };
  requireProbability("ceiling", full.ceiling);
  requireProbability("confidence", full.confidence);
  // Below 1 the process would bet on rates under the ceiling, where it has to shrink.
  full.oddsRatios.forEach((ratio, i) => {
    if (!(ratio > 1 && Number.isFinite(ratio)))
      throw new InvalidArgument(`oddsRatios[${i}]`, ratio, "a finite number above 1");
  });
  requireMixture(full, full.oddsRatios.length, "oddsRatios");
  return { config: full, windows: 0, logStarted: [], peakLogE: 0, candidate: { n: 0, events: 0 } };
};

const update = (state: RateCeilingState, stratum: CeilingStratum): RateCeilingState => {
  const { n, events } = requireProportion("candidate", stratum.candidate, 0);
  if (n === 0) return state;
  const { ceiling, oddsRatios } = state.config;
  const windows = state.windows + 1;
  const increments = oddsRatios.map((psi) => events * Math.log(psi) - n * Math.log1p(ceiling * (psi - 1)));
  const logStarted = advanceStarts(state.logStarted, increments, state.config, windows);
  return {
    config: state.config,
    windows,
    logStarted,
    peakLogE: Math.max(state.peakLogE, mixtureLogE(logStarted, state.config, windows)),
    candidate: { n: state.candidate.n + n, events: state.candidate.events + events },
  };
};

const evidence = (state: RateCeilingState): RateCeilingEvidence => {
  const { n, events } = state.candidate;
  const rate = n > 0 ? events / n : null;
  const { confidence, designEffect } = state.config;
  return {
    method: "rate-ceiling",
    logE: mixtureLogE(state.logStarted, state.config, state.windows),
    peakLogE: state.peakLogE,
    ceiling: state.config.ceiling,
    estimate: rate,
    interval:
      rate === null ? null : asymptoticInterval(rate, designEffect * rate * (1 - rate), n, DISPLAY_TUNING, confidence),
    candidate: state.candidate,
    n: { baseline: 0, candidate: n },
  };
};

/**
 * E-process against "the candidate's rate of an event is at most `ceiling` in every window", with no baseline: for absolute
 * ceilings, and for the last step, where no concurrent baseline is left. Π ψ^x/(1 − c + cψ)ⁿ, mixed over odds ratios and
 * starts as in `stratifiedRates`. Assumes independent units; an outage that hits everybody breaches a ceiling, as it should.
 * For a latency ceiling take as event "slower than the ceiling" and as `ceiling` 0.05. Errors: `InvalidArgument`.
 */
export const rateCeiling = { initial, update, evidence };
