import { InvalidArgument, requirePositive, requireProbability } from "../invalid-argument.ts";
import { type Proportion, requireProportion } from "../offline/two-proportions.ts";
import { asymptoticInterval } from "./asymptotic-interval.ts";
import type { Evidence } from "./evidence.ts";
import { logFisherNormalisers, type Margins } from "./fisher-increment.ts";
import { advanceStarts, type MixtureConfig, mixtureLogE, requireMixture } from "./start-mixture.ts";

export type StratifiedRatesConfig = MixtureConfig & {
  /** Tolerated odds ratio (1: none worse). The null hypothesis is an odds ratio of at most this in every window. */
  readonly psi0: number;
  /** Alternatives, as multiples of psi0; `weights` are their prior weights. */
  readonly oddsRatios: ReadonlyArray<number>;
  /** Of the confidence sequence for display. */
  readonly confidence: number;
};

/**
 * One closed window: units (conversations, see the module's note) and how many of them had the event, per arm. `n` of an arm
 * may be 0; such a window says nothing and is only counted.
 */
export type RateStratum = { readonly baseline: Proportion; readonly candidate: Proportion };

export type StratifiedRatesState = {
  readonly config: StratifiedRatesConfig;
  /** Windows with units in both arms and both events and non-events: only they carry evidence. */
  readonly informative: number;
  /** Per odds ratio, log Σ_s w_s Π_{t ≥ s} e_t over starts s so far; empty before the first informative window. */
  readonly logStarted: ReadonlyArray<number>;
  readonly peakLogE: number;
  readonly baseline: Proportion;
  readonly candidate: Proportion;
  /** Mantel–Haenszel sums: weight Σ w, risk difference Σ w·d, variance Σ w·p̄q̄, and the odds ratio's numerator/denominator. */
  readonly weight: number;
  readonly difference: number;
  readonly variance: number;
  readonly oddsNumerator: number;
  readonly oddsDenominator: number;
};

export type RateEvidence = Evidence & {
  readonly method: "stratified-rates";
  readonly psi0: number;
  readonly baseline: Proportion;
  readonly candidate: Proportion;
  /** Mantel–Haenszel odds ratio; null while undefined. */
  readonly oddsRatio: number | null;
};

// Few points over a wide range: faults of 1.3 to 15 times the odds. Between two neighbours about a tenth of the growth
// rate is lost, while each further point would cost every alternative its share of the prior.
const defaults: StratifiedRatesConfig = {
  psi0: 1,
  oddsRatios: [1.3, 1.7, 2.4, 5, 15],
  weights: [0.15, 0.3, 0.25, 0.25, 0.05],
  start: { atFirst: 0.75, spanWindows: 120 },
  designEffect: 1,
  confidence: 0.95,
};

// Effective units at which the displayed interval is narrowest.
const DISPLAY_TUNING = 2_000;

const none: Proportion = { n: 0, events: 0 };

/** Errors: psi0 or an odds ratio not above 0, an odds ratio not above 1, weights that do not sum to 1. */
const initial = (config: Partial<StratifiedRatesConfig> = {}): StratifiedRatesState => {
  const full = { ...defaults, ...config };
  requirePositive("psi0", full.psi0);
  full.oddsRatios.forEach((ratio, i) => {
    if (!(ratio > 1 && Number.isFinite(ratio)))
      throw new InvalidArgument(`oddsRatios[${i}]`, ratio, "a finite number above 1");
  });
  requireMixture(full, full.oddsRatios.length, "oddsRatios");
  requireProbability("confidence", full.confidence);
  return {
    config: full,
    informative: 0,
    logStarted: [],
    peakLogE: 0,
    baseline: none,
    candidate: none,
    weight: 0,
    difference: 0,
    variance: 0,
    oddsNumerator: 0,
    oddsDenominator: 0,
  };
};

const add = (a: Proportion, b: Proportion): Proportion => ({ n: a.n + b.n, events: a.events + b.events });

const update = (state: StratifiedRatesState, stratum: RateStratum): StratifiedRatesState => {
  const baseline = requireProportion("baseline", stratum.baseline, 0);
  const candidate = requireProportion("candidate", stratum.candidate, 0);
  const totals = { baseline: add(state.baseline, baseline), candidate: add(state.candidate, candidate) };
  if (baseline.n === 0 || candidate.n === 0) return { ...state, ...totals };
  const total = baseline.n + candidate.n;
  const events = baseline.events + candidate.events;
  const rate = events / total;
  const w = (baseline.n * candidate.n) / total;
  const informative = events > 0 && events < total;
  const window = state.informative + (informative ? 1 : 0);
  const logStarted = informative
    ? advanceStarts(
        state.logStarted,
        logIncrements(state.config, { total, candidate: candidate.n, events }, candidate.events),
        state.config,
        window,
      )
    : state.logStarted;
  return {
    config: state.config,
    informative: window,
    logStarted,
    peakLogE: informative ? Math.max(state.peakLogE, mixtureLogE(logStarted, state.config, window)) : state.peakLogE,
    baseline: totals.baseline,
    candidate: totals.candidate,
    weight: state.weight + w,
    difference: state.difference + (candidate.events * baseline.n - baseline.events * candidate.n) / total,
    variance: state.variance + w * rate * (1 - rate),
    oddsNumerator: state.oddsNumerator + (candidate.events * (baseline.n - baseline.events)) / total,
    oddsDenominator: state.oddsDenominator + (baseline.events * (candidate.n - candidate.events)) / total,
  };
};

const logIncrements = (
  { psi0, oddsRatios }: StratifiedRatesConfig,
  margins: Margins,
  candidateEvents: number,
): ReadonlyArray<number> => {
  const logPsi0 = Math.log(psi0);
  const logPsis = [logPsi0, ...oddsRatios.map((ratio) => Math.log(ratio) + logPsi0)];
  const normalisers = logFisherNormalisers(margins, logPsis);
  const base = normalisers[0] as number;
  return oddsRatios.map(
    (_, j) => candidateEvents * ((logPsis[j + 1] as number) - logPsi0) - ((normalisers[j + 1] as number) - base),
  );
};

/** The process's log e-value alone, without estimate and interval. */
export const stratifiedRatesLogE = (state: StratifiedRatesState): number =>
  mixtureLogE(state.logStarted, state.config, state.informative);

const evidence = (state: StratifiedRatesState): RateEvidence => {
  const estimate = state.weight > 0 ? state.difference / state.weight : null;
  return {
    method: "stratified-rates",
    logE: stratifiedRatesLogE(state),
    peakLogE: state.peakLogE,
    psi0: state.config.psi0,
    estimate,
    interval:
      estimate === null
        ? null
        : asymptoticInterval(
            estimate,
            (state.config.designEffect * state.variance) / state.weight,
            state.weight,
            DISPLAY_TUNING,
            state.config.confidence,
          ),
    oddsRatio: state.oddsDenominator > 0 ? state.oddsNumerator / state.oddsDenominator : null,
    baseline: state.baseline,
    candidate: state.candidate,
    n: { baseline: state.baseline.n, candidate: state.candidate.n },
  };
};

/**
 * Stratified conditional Fisher e-process for a rate of which an increase is worse (errors, refusals, failed probes).
 * H₀: in every window the candidate's odds are at most psi0 times the baseline's. Given a window's margins its e-value is a
 * likelihood ratio of Fisher's noncentral hypergeometric distributions (`stratifiedFisherLogE`); the process is
 * Σ_ψ q_ψ Σ_s w_s Π_{t ≥ s} e_t(ψ), a mixture over odds ratios ψ and starts s, so α bounds the probability of ever reaching
 * 1/α. Each window is its own stratum: the base rate may drift, outages may hit both arms, the share may change from window
 * to window, at any counts, without any effect on that bound.
 *
 * Assumes: units are what was randomised (conversations), each counted in one window only, at a share that is constant within
 * the window, and windows are compared only when the same rule closed them for both arms. With a random assignment by unit and
 * psi0 = 1 the units may depend on each other in any way; otherwise they have to be independent. Counting requests of one conversation as units breaks the bound (see
 * `docs/statistics.md`); where nothing else can be counted, declare a `designEffect`. The estimate is the Mantel–Haenszel risk difference candidate − baseline, in events per unit.
 * State: a plain JSON value of constant size. Errors: `InvalidArgument` naming `baseline.events` and the like.
 */
export const stratifiedRates = { initial, update, evidence };
