import {
  InvalidArgument,
  requireCount,
  requireNumbers,
  requirePositive,
  requireSameLength,
} from "../invalid-argument.ts";
import { logAddExp } from "../special/log-arithmetic.ts";
import { deviance, stirlingError } from "../special/log-gamma.ts";

/** Newly assigned units of one window per arm, and the shares they were assigned with. */
export type SampleRatioStratum = { readonly counts: ReadonlyArray<number>; readonly weights: ReadonlyArray<number> };

export type SampleRatioState = {
  readonly concentrationPerArm: number;
  /** Log of Σ over earlier phases of the mixture over the phase in which a mismatch begins; null before the second phase. */
  readonly logEarlier: number | null;
  /** Number of phases so far; a phase is a run of windows with equal weights. */
  readonly phases: number;
  readonly weights: ReadonlyArray<number>;
  readonly counts: ReadonlyArray<number>;
  readonly total: ReadonlyArray<number>;
  readonly peakLogE: number;
};

export type SampleRatioEvidence = {
  readonly method: "sample-ratio";
  readonly logE: number;
  readonly peakLogE: number;
  /** Share of the last arm less its weight, in the current phase; null before the first unit. */
  readonly estimate: number | null;
  readonly counts: ReadonlyArray<number>;
  readonly n: number;
};

// A mismatch of a few per cent is a fault of routing: a prior this narrow looks near the declared weights.
const DEFAULT_CONCENTRATION = 100;

const initial = (config: { readonly concentrationPerArm?: number } = {}): SampleRatioState => ({
  concentrationPerArm: requirePositive("concentrationPerArm", config.concentrationPerArm ?? DEFAULT_CONCENTRATION),
  logEarlier: null,
  phases: 0,
  weights: [],
  counts: [],
  total: [],
  peakLogE: 0,
});

const requireStratum = ({ counts, weights }: SampleRatioStratum): void => {
  requireNumbers("counts", counts, 2);
  requireNumbers("weights", weights, 2);
  requireSameLength("weights", weights, "counts", counts);
  counts.forEach((count, i) => {
    requireCount(`counts[${i}]`, count);
  });
  weights.forEach((weight, i) => {
    requirePositive(`weights[${i}]`, weight);
  });
};

const update = (state: SampleRatioState, stratum: SampleRatioStratum): SampleRatioState => {
  requireStratum(stratum);
  if (state.phases > 0 && stratum.counts.length !== state.counts.length) {
    throw new InvalidArgument("counts", stratum.counts, `one count per arm (${state.counts.length})`);
  }
  const same = state.phases > 0 && stratum.weights.every((weight, i) => weight === state.weights[i]);
  const opened: SampleRatioState = same
    ? state
    : {
        ...state,
        phases: state.phases + 1,
        logEarlier: state.phases === 0 ? null : logStarted(state),
        weights: [...stratum.weights],
        counts: stratum.counts.map(() => 0),
        total: state.phases === 0 ? stratum.counts.map(() => 0) : state.total,
      };
  const next = {
    ...opened,
    counts: opened.counts.map((count, i) => count + (stratum.counts[i] as number)),
    total: opened.total.map((count, i) => count + (stratum.counts[i] as number)),
  };
  return { ...next, peakLogE: Math.max(state.peakLogE, logEOf(next)) };
};

// A mismatch begins in phase s with prior 1/(s(s+1)), so that starts after phase p keep 1/(p+1).
const startLogWeight = (phase: number): number => -Math.log(phase * (phase + 1));

const logStarted = (state: SampleRatioState): number => {
  const own = startLogWeight(state.phases);
  const started = state.logEarlier === null ? own : logAddExp(state.logEarlier, own);
  return started + dirichletMultinomialLogE(state.counts, state.weights, state.concentrationPerArm);
};

const logEOf = (state: SampleRatioState): number =>
  state.phases === 0 ? 0 : logAddExp(logStarted(state), -Math.log(state.phases + 1));

const evidence = (state: SampleRatioState): SampleRatioEvidence => {
  const n = state.counts.reduce((sum, count) => sum + count, 0);
  const whole = state.weights.reduce((sum, weight) => sum + weight, 0);
  const last = state.counts.length - 1;
  return {
    method: "sample-ratio",
    logE: logEOf(state),
    peakLogE: state.peakLogE,
    estimate: n > 0 ? (state.counts[last] as number) / n - (state.weights[last] as number) / whole : null,
    counts: state.total,
    n: state.total.reduce((sum, count) => sum + count, 0),
  };
};

/**
 * Sequential sample-ratio mismatch: do newly assigned units fall on the arms as the shares say? H₀: each unit falls on arm i
 * with probability wᵢ, also when the shares change from step to step. Dirichlet–multinomial Bayes factors per phase of equal
 * weights, multiplied over phases and mixed over the phase in which a mismatch begins. Use α = .001.
 *
 * Assumes independent units: count each conversation (or user, whatever is hashed) once, when first seen. Requests are not
 * independent and alarm far too often. State: constant size. Errors: `InvalidArgument`.
 * Source: Lindon & Malek 2022, "Anytime-valid inference for multinomial count data".
 */
export const sampleRatio = { initial, update, evidence };

/**
 * log Bayes factor of a Dirichlet prior (αᵢ = concentration·K·wᵢ/Σw over K arms) against the weights themselves:
 * log [Γ(A)/Γ(A+N) Π Γ(αᵢ+nᵢ)/Γ(αᵢ)] − Σ nᵢ log wᵢ. In Stirling's form, log Γ(x) = (x−½)log x − x + ½log 2π + δ(x), the large
 * terms meet in deviances, Σ xᵢ log(xᵢ/(X·wᵢ)) for xᵢ = αᵢ + nᵢ and X = A + N, and those of the prior are 0: counts of 10¹¹
 * lose no digits, nor does a prior of a million.
 */
export const dirichletMultinomialLogE = (
  counts: ReadonlyArray<number>,
  weights: ReadonlyArray<number>,
  concentrationPerArm: number,
): number => {
  requireStratum({ counts, weights });
  requirePositive("concentrationPerArm", concentrationPerArm);
  const whole = weights.reduce((sum, weight) => sum + weight, 0);
  const n = counts.reduce((sum, count) => sum + count, 0);
  const a = concentrationPerArm * counts.length;
  const grand = a + n;
  return counts.reduce(
    (log, count, i) => {
      if (count === 0 && n === 0) return log;
      const share = (weights[i] as number) / whole;
      const prior = a * share;
      const x = prior + count;
      // x − X·w is n·(nᵢ/n − w): formed without the prior, which may be far larger.
      const excess = count - n * share;
      return (
        log +
        deviance(x, grand * share, excess) -
        0.5 * Math.log1p(count / prior) +
        stirlingError(x) -
        stirlingError(prior)
      );
    },
    0.5 * Math.log1p(n / a) - stirlingError(grand) + stirlingError(a),
  );
};
