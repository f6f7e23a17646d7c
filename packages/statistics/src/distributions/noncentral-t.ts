import { logGamma } from "../special/log-gamma.ts";
import { upperOf } from "../special/tails.ts";
import { chiSquare } from "./gamma.ts";
import { standardNormalTails } from "./normal.ts";

// Gauss–Legendre nodes on [−1, 1] (positive half of 10) and their weights.
const NODES = [0.1488743389816312, 0.4333953941292472, 0.6794095682990244, 0.8650633666889845, 0.9739065285171717];
const WEIGHTS = [0.2955242247147529, 0.2692667193099963, 0.219086362515982, 0.1494513491505806, 0.0666713443086881];
const PANELS = 24;

/**
 * P(T > t) for the noncentral t with `df` degrees of freedom and noncentrality `delta`:
 * ∫ P(Z > t·s − δ) f(s) ds over s = √(χ²_df/df), by Gauss–Legendre between the 1e−18 quantiles of s.
 */
export const noncentralTSf = (t: number, df: number, delta: number): number => {
  const low = Math.sqrt(chiSquare.quantile(1e-18, df) / df);
  const high = Math.sqrt(chiSquare.upperQuantile(1e-18, df) / df);
  const half = df / 2;
  const logConstant = Math.LN2 + half * Math.log(half) - logGamma(half);
  const integrand = (s: number): number =>
    Math.exp(logConstant + (df - 1) * Math.log(s) - half * s * s) * upperOf(standardNormalTails(t * s - delta));
  const step = (high - low) / PANELS;
  let sum = 0;
  for (let panel = 0; panel < PANELS; panel++) {
    const middle = low + (panel + 0.5) * step;
    for (let i = 0; i < NODES.length; i++) {
      const offset = ((NODES[i] as number) * step) / 2;
      sum += (WEIGHTS[i] as number) * (integrand(middle - offset) + integrand(middle + offset));
    }
  }
  return Math.min(1, (sum * step) / 2);
};
