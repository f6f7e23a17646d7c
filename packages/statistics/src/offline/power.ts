import { noncentralTSf } from "../distributions/noncentral-t.ts";
import { normal, upperZ } from "../distributions/normal.ts";
import { studentT } from "../distributions/student-t.ts";
import { InvalidArgument, requirePositive, requireProbability, requireWithin } from "../invalid-argument.ts";
import { findRoot } from "../special/root.ts";

export type PowerOptions = {
  /** Standard deviation: of the paired differences, or within each arm. */
  readonly sd: number;
  /** Level of the test. */
  readonly alpha: number;
  readonly sides?: 1 | 2;
  /** Whether a two-sided test that rejects in the wrong direction counts as detection (R's `strict`). Default: it does. */
  readonly farTail?: boolean;
};

const requireSample = (n: number): number => {
  if (!(n > 1 && Number.isFinite(n))) throw new InvalidArgument("n", n, "a finite number above 1");
  return n;
};
const requireOptions = (options: PowerOptions): PowerOptions => {
  requirePositive("sd", options.sd);
  requireProbability("alpha", options.alpha);
  return options;
};

// Exact power of a t test: P(|T'| > t_crit) with T' noncentral.
const tPower = (df: number, noncentrality: number, { alpha, sides = 1, farTail = true }: PowerOptions): number => {
  const critical = studentT.upperQuantile(alpha / sides, df);
  const near = noncentralTSf(critical, df, noncentrality);
  return sides === 1 || !farTail ? near : Math.min(1, near + noncentralTSf(critical, df, -noncentrality));
};

/**
 * Power of the paired t test with `n` pairs at a true mean difference of |delta|, by the noncentral t with n − 1 degrees of
 * freedom and noncentrality √n·delta/sd. n may be fractional. Errors name the argument. Equal to R's `power.t.test`.
 */
export const powerPaired = (options: PowerOptions & { readonly n: number; readonly delta: number }): number => {
  const { sd } = requireOptions(options);
  const n = requireSample(options.n);
  requireWithin("delta", Math.abs(options.delta), 0, Number.MAX_VALUE);
  return tPower(n - 1, (Math.sqrt(n) * Math.abs(options.delta)) / sd, options);
};

/** Power of the pooled two-sample t test with `n` observations in each arm; see `powerPaired`. */
export const powerTwoSample = (options: PowerOptions & { readonly n: number; readonly delta: number }): number => {
  const { sd } = requireOptions(options);
  const n = requireSample(options.n);
  requireWithin("delta", Math.abs(options.delta), 0, Number.MAX_VALUE);
  return tPower(2 * (n - 1), (Math.sqrt(n / 2) * Math.abs(options.delta)) / sd, {
    ...options,
    sides: options.sides ?? 2,
  });
};

/** Smallest mean difference that the paired t test with `n` pairs detects with probability `power`. */
export const minimumDetectableEffectPaired = (
  options: PowerOptions & { readonly n: number; readonly power: number },
): number => {
  const { sd } = requireOptions(options);
  const n = requireSample(options.n);
  const power = requireProbability("power", options.power);
  const unit = sd / Math.sqrt(n);
  const gap = (log: number): number => powerPaired({ ...options, delta: unit * Math.exp(log) }) - power;
  if (gap(-12) >= 0) return 0;
  // With one degree of freedom the needed effect is large: 10⁶ standard errors are beyond any use.
  return unit * Math.exp(findRoot(gap, -12, 14, 1e-12));
};

/** Number of pairs (fractional; round up) at which the paired t test detects `delta` with probability `power`. */
export const sampleSizePaired = (
  options: PowerOptions & { readonly delta: number; readonly power: number },
): number => {
  requireOptions(options);
  const power = requireProbability("power", options.power);
  requirePositive("delta", Math.abs(options.delta));
  const gap = (log: number): number => powerPaired({ ...options, n: 1 + Math.exp(log) }) - power;
  if (gap(Math.log(0.05)) >= 0) return 1.05;
  // The t test needs little more than the z test with known sd, and never more than some twenty pairs more.
  const { sd, alpha, sides = 1 } = options;
  const known = ((upperZ(alpha / sides) + Math.max(0, normal.quantile(power))) * sd) / options.delta;
  return 1 + Math.exp(findRoot(gap, Math.log(0.05), Math.log(2 * known * known + 1 / alpha + 50), 1e-13));
};

/** The same as `minimumDetectableEffectPaired` with a known sd: (z_α + z_{1−power})·sd/√n. */
export const minimumDetectableEffectNormal = (
  options: PowerOptions & { readonly n: number; readonly power: number },
): number => {
  const { sd, alpha, sides = 1 } = requireOptions(options);
  requireProbability("power", options.power);
  requirePositive("n", options.n);
  return ((upperZ(alpha / sides) + normal.quantile(options.power)) * sd) / Math.sqrt(options.n);
};

/**
 * Power of the two-proportion z test with `n` per arm, pooled variance under the null (equal to R's `power.prop.test`, which
 * leaves out the far tail of a two-sided test).
 */
export const powerTwoProportions = (options: {
  readonly n: number;
  readonly p1: number;
  readonly p2: number;
  readonly alpha: number;
  readonly sides?: 1 | 2;
}): number => {
  const { n, p1, p2, alpha, sides = 1 } = options;
  requirePositive("n", n);
  requireWithin("p1", p1, 0, 1);
  requireWithin("p2", p2, 0, 1);
  requireProbability("alpha", alpha);
  const pooled = Math.sqrt((p1 + p2) * (1 - (p1 + p2) / 2));
  const spread = Math.sqrt(p1 * (1 - p1) + p2 * (1 - p2));
  if (spread === 0) return p1 === p2 ? alpha : 1;
  return normal.cdf((Math.sqrt(n) * Math.abs(p1 - p2) - upperZ(alpha / sides) * pooled) / spread);
};

/** Number per arm (fractional; round up) at which the two-proportion z test detects p1 against p2 with probability `power`. */
export const sampleSizeTwoProportions = (options: {
  readonly p1: number;
  readonly p2: number;
  readonly alpha: number;
  readonly power: number;
  readonly sides?: 1 | 2;
}): number => {
  requireProbability("power", options.power);
  if (options.p1 === options.p2) throw new InvalidArgument("p2", options.p2, "different from p1");
  const gap = (log: number): number => powerTwoProportions({ ...options, n: Math.exp(log) }) - options.power;
  return Math.exp(findRoot(gap, -5, 60, 1e-13));
};
