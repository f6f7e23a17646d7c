import { InvalidArgument, requireProbability } from "../invalid-argument.ts";
import { continuousQuantile, discreteQuantile, type Tail } from "../special/quantile.ts";
import { lowerOf, type Tails, upperOf } from "../special/tails.ts";

/**
 * A distribution by its tails. `sf` is P(X > x), accurate in relative terms down to 1e−308; `logCdf` and `logSf` go on
 * beyond. `quantile(p)` is the smallest x with P(X ≤ x) ≥ p, `upperQuantile(p)` the smallest with P(X > x) ≤ p, so that
 * 1 − p is never formed. Parameters follow in R's order. Errors: `InvalidArgument`.
 */
export type Distribution<Parameters extends ReadonlyArray<number | undefined>> = {
  readonly cdf: (x: number, ...parameters: Parameters) => number;
  readonly sf: (x: number, ...parameters: Parameters) => number;
  readonly logCdf: (x: number, ...parameters: Parameters) => number;
  readonly logSf: (x: number, ...parameters: Parameters) => number;
  readonly quantile: (p: number, ...parameters: Parameters) => number;
  readonly upperQuantile: (p: number, ...parameters: Parameters) => number;
};

type Definition<Parameters extends ReadonlyArray<number | undefined>> = {
  readonly check: (...parameters: Parameters) => void;
  readonly tails: (x: number, ...parameters: Parameters) => Tails;
  readonly solve: (p: number, tail: Tail, ...parameters: Parameters) => number;
};

export const distribution = <Parameters extends ReadonlyArray<number | undefined>>(
  definition: Definition<Parameters>,
): Distribution<Parameters> => {
  const tails = (x: number, parameters: Parameters): Tails => {
    if (typeof x !== "number" || Number.isNaN(x)) throw new InvalidArgument("x", x, "a number");
    definition.check(...parameters);
    return definition.tails(x, ...parameters);
  };
  const solve = (p: number, tail: Tail, parameters: Parameters): number => {
    requireProbability("p", p);
    definition.check(...parameters);
    return definition.solve(p, tail, ...parameters);
  };
  return {
    cdf: (x, ...parameters) => lowerOf(tails(x, parameters)),
    sf: (x, ...parameters) => upperOf(tails(x, parameters)),
    logCdf: (x, ...parameters) => tails(x, parameters).logLower,
    logSf: (x, ...parameters) => tails(x, parameters).logUpper,
    quantile: (p, ...parameters) => solve(p, "lower", parameters),
    upperQuantile: (p, ...parameters) => solve(p, "upper", parameters),
  };
};

// Coordinates for quantiles: e^±745 is the whole range of a double.
const LOG_RANGE = 745;

/** For x ≥ 0: solved on log x. */
export const positiveQuantile = (tailsAt: (x: number) => Tails, p: number, tail: Tail): number =>
  Math.exp(continuousQuantile((u) => tailsAt(Math.exp(u)), p, tail, -LOG_RANGE, LOG_RANGE));

/** For any x: solved on arsinh x. */
export const realQuantile = (tailsAt: (x: number) => Tails, p: number, tail: Tail): number =>
  Math.sinh(continuousQuantile((u) => tailsAt(Math.sinh(u)), p, tail, -LOG_RANGE, LOG_RANGE));

/** For x in [0, 1]: solved on the logit. */
export const ratioQuantile = (tailsAt: (x: number, y: number) => Tails, p: number, tail: Tail): number => {
  const logit = continuousQuantile((u) => tailsAt(logistic(u), logistic(-u)), p, tail, -LOG_RANGE, LOG_RANGE);
  return logistic(logit);
};

const logistic = (u: number): number => (u < 0 ? Math.exp(u) / (1 + Math.exp(u)) : 1 / (1 + Math.exp(-u)));

export const wholeQuantile = discreteQuantile;
