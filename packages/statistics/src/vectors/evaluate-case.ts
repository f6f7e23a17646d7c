import {
  type Alternative,
  adjustBenjaminiHochberg,
  adjustHolm,
  asymptoticHalfWidthOneSided,
  beta,
  bettingGridLogE,
  binomial,
  chiSquare,
  chiSquareSampleRatio,
  clopperPearsonInterval,
  clusterMeanStandardError,
  type Distribution,
  dirichletMultinomialLogE,
  fisherExact,
  fisherF,
  gamma,
  hypergeometric,
  mannWhitney,
  mcnemarExact,
  mcnemarMixtureLogE,
  minimumDetectableEffectNormal,
  minimumDetectableEffectPaired,
  newcombeInterval,
  normal,
  normalMixtureLogE,
  normalMixtureRho,
  oneSampleT,
  pairedT,
  poisson,
  powerPaired,
  powerTwoProportions,
  powerTwoSample,
  sampleSizePaired,
  stratifiedFisherLogE,
  studentT,
  type TTest,
  twoProportionZ,
  twoSampleT,
  welchFromSummaries,
  wilcoxonSignedRank,
  wilsonInterval,
} from "../index.ts";

/** The inputs of a reference case, as the file spells them (R's names). */
export type CaseInput = Readonly<Record<string, unknown>>;
export type CaseOutput = Readonly<Record<string, number>>;

const number = (input: CaseInput, key: string): number => {
  const value = input[key];
  if (typeof value !== "number") throw new Error(`input ${key} is not a number`);
  return value;
};
const numbers = (input: CaseInput, key: string): ReadonlyArray<number> => {
  const value = input[key];
  if (!Array.isArray(value)) throw new Error(`input ${key} is not a list`);
  return value.map(Number);
};
const labels = (input: CaseInput, key: string): ReadonlyArray<string> => {
  const value = input[key];
  if (!Array.isArray(value)) throw new Error(`input ${key} is not a list`);
  return value.map(String);
};
const alternative = (input: CaseInput): Alternative => {
  const name = String(input.alternative ?? "two.sided").replace(".", "-");
  return name === "less" || name === "greater" ? name : "two-sided";
};
const sides = (input: CaseInput): 1 | 2 => (String(input.alternative ?? "one.sided").startsWith("one") ? 1 : 2);
const optional = (input: CaseInput, key: string): number | undefined => (key in input ? number(input, key) : undefined);

const tOptions = (input: CaseInput) => ({
  mu: optional(input, "mu") ?? 0,
  alternative: alternative(input),
  confidence: optional(input, "conf") ?? 0.95,
});
const tOutput = ({ t, df, pValue, interval }: TTest): CaseOutput => ({
  t,
  df,
  p: pValue,
  ci_lo: interval.low,
  ci_hi: interval.high,
});
const interval = ({ low, high }: { readonly low: number; readonly high: number }): CaseOutput => ({
  lo: low,
  hi: high,
});
const summary = (input: CaseInput, arm: 1 | 2) => ({
  n: number(input, `n${arm}`),
  mean: number(input, `mean${arm}`),
  sd: number(input, `sd${arm}`),
});
const proportion = (input: CaseInput, arm: 1 | 2) => ({
  n: number(input, `n${arm}`),
  events: number(input, `x${arm}`),
});
const adjusted = (values: ReadonlyArray<number>): CaseOutput =>
  Object.fromEntries(values.map((value, i) => [`adj_${i}`, value]));
const wilcoxon = (input: CaseInput, method: "exact" | "normal"): CaseOutput => {
  const { statistic, pValue } = wilcoxonSignedRank(numbers(input, "d"), {
    alternative: alternative(input),
    method,
    zeros: input.zeros === "pratt" ? "pratt" : "drop",
    correct: input.correct === true,
  });
  return { V: statistic, p: pValue };
};
const rankSum = (input: CaseInput, method: "exact" | "normal"): CaseOutput => {
  const { statistic, pValue } = mannWhitney(numbers(input, "x"), numbers(input, "y"), {
    alternative: alternative(input),
    method,
    correct: input.correct === true,
  });
  return { U: statistic, p: pValue };
};
const power = (input: CaseInput) => ({
  sd: number(input, "sd"),
  alpha: number(input, "alpha"),
  sides: sides(input),
  farTail: input.strict === true,
});

type AnyDistribution = Distribution<Array<number | undefined>>;
// The file gives parameters as a list in R's order; each distribution checks its own.
const any = <P extends ReadonlyArray<number | undefined>>(one: Distribution<P>): AnyDistribution =>
  one as unknown as AnyDistribution;
const distributions: Readonly<Record<string, AnyDistribution>> = {
  norm: any(normal),
  t: any(studentT),
  beta: any(beta),
  chisq: any(chiSquare),
  gamma: any(gamma),
  f: any(fisherF),
  binom: any(binomial),
  pois: any(poisson),
  hyper: any(hypergeometric),
};
const parameters = (input: CaseInput): Array<number> =>
  ["p1", "p2", "p3"].filter((key) => key in input).map((key) => number(input, key));
const distributionCase = (fn: string, input: CaseInput): CaseOutput | undefined => {
  const [name = "", what] = fn.split("_");
  const found = distributions[name];
  if (found === undefined) return undefined;
  const rest = parameters(input);
  if (what === "cdf") {
    const x = number(input, "x");
    return {
      cdf: found.cdf(x, ...rest),
      sf: found.sf(x, ...rest),
      log_cdf: found.logCdf(x, ...rest),
      log_sf: found.logSf(x, ...rest),
    };
  }
  if (what !== "quantile") return undefined;
  const p = number(input, "p");
  return { x: input.lower_tail === false ? found.upperQuantile(p, ...rest) : found.quantile(p, ...rest) };
};

const evaluators: Readonly<Record<string, (input: CaseInput) => CaseOutput>> = {
  ttest_1samp: (input) => tOutput(oneSampleT(numbers(input, "x"), tOptions(input))),
  ttest_paired: (input) => tOutput(pairedT(numbers(input, "candidate"), numbers(input, "baseline"), tOptions(input))),
  ttest_2samp: (input) =>
    tOutput(
      twoSampleT(numbers(input, "x"), numbers(input, "y"), {
        ...tOptions(input),
        equalVariances: input.equal_var === true,
      }),
    ),
  welch_from_stats: (input) => tOutput(welchFromSummaries(summary(input, 1), summary(input, 2), tOptions(input))),
  mcnemar_exact: (input) => {
    const result = mcnemarExact({ worse: number(input, "b"), better: number(input, "c") });
    return {
      p_two_sided: result.pTwoSided,
      p_worse: result.pWorse,
      midp_two_sided: result.midPTwoSided,
      midp_worse: result.midPWorse,
    };
  },
  wilcoxon_exact: (input) => wilcoxon(input, "exact"),
  wilcoxon_approx_wilcox_zeros: (input) => wilcoxon(input, "normal"),
  wilcoxon_approx_pratt: (input) => wilcoxon(input, "normal"),
  mannwhitney_exact: (input) => rankSum(input, "exact"),
  mannwhitney_approx: (input) => rankSum(input, "normal"),
  two_prop_z_pooled: (input) => {
    const { z, pTwoSided, pGreater } = twoProportionZ(proportion(input, 1), proportion(input, 2));
    return { z, p_two_sided: pTwoSided, p_greater: pGreater };
  },
  fisher_exact: (input) => {
    const [a, b, c, d] = ["a", "b", "c", "d"].map((key) => number(input, key)) as [number, number, number, number];
    const { pTwoSided, pGreater, pLess } = fisherExact({ n: a + b, events: a }, { n: c + d, events: c });
    return { p_two_sided: pTwoSided, p_greater: pGreater, p_less: pLess };
  },
  newcombe_diff_ci: (input) =>
    interval(
      newcombeInterval(
        { x: number(input, "x1"), n: number(input, "n1") },
        { x: number(input, "x2"), n: number(input, "n2") },
        number(input, "conf"),
      ),
    ),
  wilson_ci: (input) => interval(wilsonInterval(number(input, "x"), number(input, "n"), number(input, "conf"))),
  clopper_pearson_ci: (input) =>
    interval(clopperPearsonInterval(number(input, "x"), number(input, "n"), number(input, "conf"))),
  padjust_holm: (input) => adjusted(adjustHolm(numbers(input, "p"))),
  padjust_bh: (input) => adjusted(adjustBenjaminiHochberg(numbers(input, "p"))),
  power_t_paired: (input) => ({
    power: powerPaired({ ...power(input), n: number(input, "n"), delta: number(input, "delta") }),
  }),
  power_t_two_sample: (input) => ({
    power: powerTwoSample({ ...power(input), n: number(input, "n"), delta: number(input, "delta") }),
  }),
  mde_t_paired: (input) => ({
    mde: minimumDetectableEffectPaired({ ...power(input), n: number(input, "n"), power: number(input, "power") }),
  }),
  n_t_paired: (input) => ({
    n: sampleSizePaired({ ...power(input), delta: number(input, "delta"), power: number(input, "power") }),
  }),
  mde_normal_paired: (input) => ({
    mde: minimumDetectableEffectNormal({ ...power(input), n: number(input, "n"), power: number(input, "power") }),
  }),
  power_prop_two_sample: (input) => ({
    power: powerTwoProportions({
      n: number(input, "n"),
      p1: number(input, "p1"),
      p2: number(input, "p2"),
      alpha: number(input, "alpha"),
      sides: sides(input),
    }),
  }),
  srm_chisq: (input) => {
    const result = chiSquareSampleRatio(numbers(input, "counts"), numbers(input, "weights"));
    return { chisq: result.chiSquare, df: result.df, p: result.pValue };
  },
  cluster_mean_se: (input) => {
    const result = clusterMeanStandardError(numbers(input, "x"), labels(input, "cluster"));
    return { mean: result.mean, se_cr0: result.cr0, se_cr1: result.cr1 };
  },
  strat_fisher_log_e: (input) => ({
    log_e: stratifiedFisherLogE({
      total: number(input, "n_total"),
      candidate: number(input, "n_canary"),
      events: number(input, "events"),
      candidateEvents: number(input, "canary_events"),
      psi: number(input, "psi"),
      psi0: number(input, "psi0"),
    }),
  }),
  normal_mixture_log_e: (input) => {
    const alpha = number(input, "alpha_opt");
    // The reference tunes one-sided mixtures at 2α.
    const rho = normalMixtureRho(number(input, "v_opt"), 2 * alpha);
    const { oneSided, twoSided } = normalMixtureLogE(number(input, "S"), number(input, "V"), rho);
    return { log_e_one_sided: oneSided, log_e_two_sided_same_rho: twoSided, rho };
  },
  mcnemar_mixture_log_e: (input) => ({
    log_e: mcnemarMixtureLogE({ worse: number(input, "worse"), better: number(input, "better") }),
  }),
  srm_dirichlet_log_e: (input) => ({
    log_e: dirichletMultinomialLogE(
      numbers(input, "counts"),
      numbers(input, "weights"),
      number(input, "concentration_per_arm"),
    ),
  }),
  betting_grid_log_e: (input) => ({
    log_e: bettingGridLogE(numbers(input, "d"), numbers(input, "lambda_grid"), number(input, "margin")),
  }),
  asympcs_one_sided_halfwidth: (input) => ({
    halfwidth: asymptoticHalfWidthOneSided(
      number(input, "s2"),
      number(input, "n"),
      number(input, "tuning"),
      number(input, "alpha"),
    ),
  }),
};

/** Computes one reference case by this package's own functions; throws for a kind it does not know. */
export const evaluateCase = (fn: string, input: CaseInput): CaseOutput => {
  const evaluator = evaluators[fn];
  if (evaluator !== undefined) return evaluator(input);
  const output = distributionCase(fn, input);
  if (output === undefined) throw new Error(`no method for cases of kind ${fn}`);
  return output;
};
