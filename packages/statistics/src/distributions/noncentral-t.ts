import { logGamma } from "../special/log-gamma.ts";
import { upperOf } from "../special/tails.ts";
import { chiSquare } from "./gamma.ts";
import { standardNormalTails } from "./normal.ts";

// Gauss–Legendre nodes on [−1, 1] (positive half of 10) and their weights.
const NODES = [0.1488743389816312, 0.4333953941292472, 0.6794095682990244, 0.8650633666889845, 0.9739065285171717];
const WEIGHTS = [0.2955242247147529, 0.2692667193099963, 0.219086362515982, 0.1494513491505806, 0.0666713443086881];
const PANELS = 24;
// Beyond this many standard deviations the normal factor is 0 or 1 to all digits.
const REACH = 9;

/**
 * P(T > t) for the noncentral t with `df` degrees of freedom and noncentrality `delta`:
 * ∫ P(Z > t·s − δ) f(s) ds over s = √(χ²_df/df), by Gauss–Legendre on log s between the 1e−18 quantiles of s, cut where the
 * normal factor turns: with one or two degrees of freedom t is large and that stretch a small part of the range.
 */
export const noncentralTSf = (t: number, df: number, delta: number): number => {
  const low = Math.sqrt(chiSquare.quantile(1e-18, df) / df);
  const high = Math.sqrt(chiSquare.upperQuantile(1e-18, df) / df);
  const half = df / 2;
  const logConstant = Math.LN2 + half * Math.log(half) - logGamma(half);
  const integrand = (u: number): number => {
    const s = Math.exp(u);
    return Math.exp(logConstant + df * u - half * s * s) * upperOf(standardNormalTails(t * s - delta));
  };
  const cuts = [(delta - REACH) / t, (delta + REACH) / t, 0.1 / Math.abs(t)]
    .filter((cut) => cut > low && cut < high)
    .sort((a, b) => a - b);
  const ends = [low, ...cuts, high].map(Math.log);
  let sum = 0;
  for (let i = 1; i < ends.length; i++) sum += integrate(integrand, ends[i - 1] as number, ends[i] as number);
  return Math.min(1, sum);
};

const integrate = (f: (u: number) => number, from: number, to: number): number => {
  const step = (to - from) / PANELS;
  let sum = 0;
  for (let panel = 0; panel < PANELS; panel++) {
    const middle = from + (panel + 0.5) * step;
    for (let i = 0; i < NODES.length; i++) {
      const offset = ((NODES[i] as number) * step) / 2;
      sum += (WEIGHTS[i] as number) * (f(middle - offset) + f(middle + offset));
    }
  }
  return (sum * step) / 2;
};
