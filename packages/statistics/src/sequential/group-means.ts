import {
  InvalidArgument,
  requireCount,
  requirePositive,
  requireProbability,
  requireWithin,
} from "../invalid-argument.ts";
import { asymptoticInterval } from "./asymptotic-interval.ts";
import type { Evidence } from "./evidence.ts";
import { advanceStarts, type MixtureConfig, mixtureLogE, requireMixture } from "./start-mixture.ts";

export type GroupMeansConfig = MixtureConfig & {
  /** A drop of the mean up to this size is tolerated, in score units. */
  readonly margin: number;
  /** Bets above 0: each is the best one for a drop of bet × variance of a score; `weights` are their prior weights. */
  readonly bets: ReadonlyArray<number>;
  readonly confidence: number;
};

/** Scores in [0, 1] of one arm in one window: their number, sum and sum of squares. */
export type ScoreSums = { readonly n: number; readonly sum: number; readonly sumSquares: number };

export type MeansStratum = { readonly baseline: ScoreSums; readonly candidate: ScoreSums };

export type GroupMeansState = {
  readonly config: GroupMeansConfig;
  readonly informative: number;
  readonly logStarted: ReadonlyArray<number>;
  readonly peakLogE: number;
  readonly baseline: ScoreSums;
  readonly candidate: ScoreSums;
  /** Mean of recent windows per arm, as a fading sum and its weight; the next window's scores are centred on it. */
  readonly centre: {
    readonly baseline: { readonly weight: number; readonly sum: number };
    readonly candidate: { readonly weight: number; readonly sum: number };
  };
  /** Σ w, Σ w·d and Σ w²·Var(d) over windows, w the harmonic size: the matched mean difference and its variance. */
  readonly weight: number;
  readonly difference: number;
  readonly variance: number;
};

export type MeansEvidence = Evidence & {
  readonly method: "group-means";
  readonly margin: number;
  readonly baselineMean: number | null;
  readonly candidateMean: number | null;
};

const defaults: GroupMeansConfig = {
  margin: 0,
  bets: [0.06, 0.16, 0.4, 1, 2.5],
  weights: [0.2, 0.2, 0.2, 0.2, 0.2],
  start: { atFirst: 0.75, spanWindows: 120 },
  designEffect: 1,
  confidence: 0.95,
};
const DISPLAY_TUNING = 1_000;
// The centre forgets half in five windows: a drifting mean costs little, a noisy centre as well.
const FADE = 0.5 ** (1 / 5);

const noScores: ScoreSums = { n: 0, sum: 0, sumSquares: 0 };

const initial = (config: Partial<GroupMeansConfig> = {}): GroupMeansState => {
  const full = { ...defaults, ...config };
  requireWithin("margin", full.margin, 0, 1);
  full.bets.forEach((bet, i) => {
    requirePositive(`bets[${i}]`, bet);
  });
  requireMixture(full, full.bets.length, "bets");
  requireProbability("confidence", full.confidence);
  const centre = { weight: 0, sum: 0 };
  return {
    config: full,
    informative: 0,
    logStarted: [],
    peakLogE: 0,
    baseline: noScores,
    candidate: noScores,
    centre: { baseline: centre, candidate: centre },
    weight: 0,
    difference: 0,
    variance: 0,
  };
};

const requireScores = (argument: string, { n, sum, sumSquares }: ScoreSums): void => {
  requireCount(`${argument}.n`, n);
  // Sums of many scores carry rounding: a billionth of n is beyond any of it.
  const slack = 1e-9 * (n + 1);
  if (!(sum >= -slack && sum <= n + slack)) {
    throw new InvalidArgument(`${argument}.sum`, sum, `from 0 to ${argument}.n (${n}): scores lie in [0, 1]`);
  }
  if (!(sumSquares <= sum + slack && sumSquares * n >= sum * sum - slack * n)) {
    throw new InvalidArgument(
      `${argument}.sumSquares`,
      sumSquares,
      `from sum²/n to sum (${sum}): scores lie in [0, 1]`,
    );
  }
};

const update = (state: GroupMeansState, stratum: MeansStratum): GroupMeansState => {
  requireScores("baseline", stratum.baseline);
  requireScores("candidate", stratum.candidate);
  const next = describe(state, stratum);
  const { baseline, candidate } = stratum;
  if (baseline.n === 0 || candidate.n === 0) return next;
  // The first window with scores only teaches the centre.
  if (state.centre.baseline.weight === 0 || state.centre.candidate.weight === 0) return next;
  const window = state.informative + 1;
  const increments = state.config.bets.map((bet) => logIncrement(state, stratum, bet));
  const logStarted = advanceStarts(state.logStarted, increments, state.config, window);
  const peakLogE = Math.max(state.peakLogE, mixtureLogE(logStarted, state.config, window));
  return { ...next, informative: window, logStarted, peakLogE };
};

// No bet reaches the point where a single score could take everything.
const LARGEST_RISK = 0.9;
// Centres are kept away from the ends of the scale, where the price of a deviation loses its digits.
const NARROWEST = 1e-3;

/**
 * Price of a squared deviation ξ² at bet λ when ξ ≥ −range: (−log(1−λ·range) − λ·range)/range². It is λ²/2 + λ³·range/3 + …,
 * so that scores which cannot lie far above their centre cost hardly more than in a normal model (Fan, Grama & Liu 2015).
 */
export const priceOf = (bet: number, range: number): number => {
  const y = bet * range;
  // Below this the logarithm cancels; two more terms of its series are exact enough.
  if (y < 1e-4) return bet * bet * (0.5 + y / 3 + (y * y) / 4);
  return (-Math.log1p(-y) - y) / (range * range);
};

const squaresAround = ({ n, sum, sumSquares }: ScoreSums, centre: number): number =>
  Math.max(0, sumSquares - 2 * centre * sum + n * centre * centre);

const logIncrement = (state: GroupMeansState, { baseline, candidate }: MeansStratum, bet: number): number => {
  const centreC = state.centre.candidate.sum / state.centre.candidate.weight;
  const centreB = state.centre.baseline.sum / state.centre.baseline.weight;
  // A candidate's score can exceed its centre by 1 − centre, a baseline's fall below its own by the centre: these lose.
  const rangeC = Math.max(NARROWEST, 1 - centreC);
  const rangeB = Math.max(NARROWEST, centreB);
  const size = (baseline.n * candidate.n) / (baseline.n + candidate.n);
  const stake = Math.min(bet * size, (LARGEST_RISK * candidate.n) / rangeC, (LARGEST_RISK * baseline.n) / rangeB);
  return (
    stake * (baseline.sum / baseline.n - candidate.sum / candidate.n - state.config.margin) -
    priceOf(stake / candidate.n, rangeC) * squaresAround(candidate, centreC) -
    priceOf(stake / baseline.n, rangeB) * squaresAround(baseline, centreB)
  );
};

const addScores = (a: ScoreSums, b: ScoreSums): ScoreSums => ({
  n: a.n + b.n,
  sum: a.sum + b.sum,
  sumSquares: a.sumSquares + b.sumSquares,
});

const describe = (state: GroupMeansState, { baseline, candidate }: MeansStratum): GroupMeansState => {
  const fade = (centre: { readonly weight: number; readonly sum: number }, { n, sum }: ScoreSums) =>
    n === 0 ? centre : { weight: centre.weight * FADE + n, sum: centre.sum * FADE + Math.min(n, Math.max(0, sum)) };
  const counted = {
    ...state,
    baseline: addScores(state.baseline, baseline),
    candidate: addScores(state.candidate, candidate),
    centre: { baseline: fade(state.centre.baseline, baseline), candidate: fade(state.centre.candidate, candidate) },
  };
  if (baseline.n === 0 || candidate.n === 0) return counted;
  const w = (baseline.n * candidate.n) / (baseline.n + candidate.n);
  const meanB = baseline.sum / baseline.n;
  const meanC = candidate.sum / candidate.n;
  const variance =
    squaresAround(baseline, meanB) / (baseline.n * baseline.n) +
    squaresAround(candidate, meanC) / (candidate.n * candidate.n);
  return {
    ...counted,
    weight: state.weight + w,
    difference: state.difference + w * (meanC - meanB),
    variance: state.variance + w * w * variance,
  };
};

const meanOf = ({ n, sum }: ScoreSums): number | null => (n > 0 ? sum / n : null);

const evidence = (state: GroupMeansState): MeansEvidence => {
  const estimate = state.weight > 0 ? state.difference / state.weight : null;
  return {
    method: "group-means",
    logE: mixtureLogE(state.logStarted, state.config, state.informative),
    peakLogE: state.peakLogE,
    margin: state.config.margin,
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
    baselineMean: meanOf(state.baseline),
    candidateMean: meanOf(state.candidate),
    n: { baseline: state.baseline.n, candidate: state.candidate.n },
  };
};

/**
 * E-process for a mean score in [0, 1] of which a drop is worse, on within-window sums. H₀: in every window the candidate's
 * mean is at least the baseline's minus `margin`; both may drift together. With the harmonic size h = n_b·n_c/(n_b + n_c),
 * stake L = λh and arm centres a fixed by earlier windows, a window's e-value is
 * exp{L(b̄ − c̄ − margin) − ψ(L/n_c; 1−a_c)Σ(c − a_c)² − ψ(L/n_b; a_b)Σ(b − a_b)²} with the price ψ of `priceOf`. By Fan's
 * inequality exp(λξ − ψ(λ; r)ξ²) ≤ 1 + λξ for ξ ≥ −r, λr < 1, so its expectation is at most exp{L(μ_b − μ_c − margin)} ≤ 1. Mixed over bets λ and
 * starts as in `stratifiedRates`. The first window with scores in both arms only teaches the centres.
 *
 * Assumes independent scores in a window given the past: one score (or one mean) per conversation, both arms judged in the
 * same window by the same judge. A sudden very large drop is priced as spread by the larger bets until the centre has followed
 * it, a few windows; the small bets see it at once. A judge that drifts cancels out; one that lags for one arm does not. The estimate is the
 * matched mean difference candidate − baseline. Errors: sums that no scores in [0, 1] can have.
 * Sources: Fan, Grama & Liu 2015; Howard et al. 2021; Waudby-Smith & Ramdas 2024 (predictable plug-in empirical Bernstein).
 */
export const groupMeans = { initial, update, evidence };
