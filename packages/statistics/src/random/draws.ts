import { stirlingError } from "../special/log-gamma.ts";
import type { RandomSource } from "./random-source.ts";

/** A standard normal number (Marsaglia's polar method, one of the pair). */
export const drawNormal = (random: RandomSource): number => {
  for (;;) {
    const u = 2 * random() - 1;
    const v = 2 * random() - 1;
    const s = u * u + v * v;
    if (s > 0 && s < 1) return u * Math.sqrt((-2 * Math.log(s)) / s);
  }
};

/** A gamma number of rate 1 (Marsaglia & Tsang 2000). */
export const drawGamma = (random: RandomSource, shape: number): number => {
  if (shape < 1) return drawGamma(random, shape + 1) * (1 - random()) ** (1 / shape);
  const d = shape - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const x = drawNormal(random);
    const v = (1 + c * x) ** 3;
    if (v > 0 && Math.log(1 - random()) < 0.5 * x * x + d - d * v + d * Math.log(v)) return d * v;
  }
};

export const drawBeta = (random: RandomSource, a: number, b: number): number => {
  const x = drawGamma(random, a);
  return x / (x + drawGamma(random, b));
};

// Below this mean, walking up from 0 is faster than rejection.
const WALK_BELOW = 12;

/** A binomial number; exact at any n, in constant time for large means (BTRS, Hörmann 1993). */
export const drawBinomial = (random: RandomSource, n: number, p: number): number => {
  if (n <= 0 || p <= 0) return 0;
  if (p >= 1) return n;
  if (p > 0.5) return n - drawBinomial(random, n, 1 - p);
  return n * p < WALK_BELOW ? walked(random, n, p) : rejected(random, n, p);
};

const walked = (random: RandomSource, n: number, p: number): number => {
  const odds = p / (1 - p);
  let term = Math.exp(n * Math.log1p(-p));
  let u = random();
  for (let k = 0; k < n; k++) {
    if (u < term) return k;
    u -= term;
    term *= ((n - k) / (k + 1)) * odds;
    // Rounding may leave a crumb of u beyond all terms.
    if (term === 0) return k;
  }
  return n;
};

const rejected = (random: RandomSource, n: number, p: number): number => {
  const sd = Math.sqrt(n * p * (1 - p));
  const b = 1.15 + 2.53 * sd;
  const a = -0.0873 + 0.0248 * b + 0.01 * p;
  const centre = n * p + 0.5;
  const scale = (2.83 + 5.1 / b) * sd;
  const odds = p / (1 - p);
  const mode = Math.floor((n + 1) * p);
  for (;;) {
    const u = random() - 0.5;
    const v = 1 - random();
    const reach = 0.5 - Math.abs(u);
    const k = Math.floor(((2 * a) / reach + b) * u + centre);
    if (reach >= 0.07 && v <= 0.92 - 4.2 / b) return k;
    if (k < 0 || k > n) continue;
    const bound =
      (mode + 0.5) * Math.log((mode + 1) / (odds * (n - mode + 1))) +
      (n + 1) * Math.log((n - mode + 1) / (n - k + 1)) +
      (k + 0.5) * Math.log((odds * (n - k + 1)) / (k + 1)) +
      stirlingError(mode + 1) +
      stirlingError(n - mode + 1) -
      stirlingError(k + 1) -
      stirlingError(n - k + 1);
    if (Math.log((v * scale) / (a / (reach * reach) + b)) <= bound) return k;
  }
};

/** A Poisson number: the limit of `drawBinomial` at n = 2³², exact to one part in 10⁹ of its mean. */
export const drawPoisson = (random: RandomSource, mean: number): number =>
  drawBinomial(random, 4_294_967_296, mean / 4_294_967_296);
