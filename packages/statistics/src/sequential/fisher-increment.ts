import { logHypergeometricTerm } from "../distributions/hypergeometric.ts";
import { InvalidArgument, requireCount, requireCountOf, requirePositive } from "../invalid-argument.ts";

// Up to this many tables the weights are formed once for all odds ratios, relative to the most probable table; the powers of
// the odds ratio stay below e⁴⁵⁰, so that no sum overflows, and what underflows is beyond all digits.
const DIRECT_TABLES = 128;
const LARGEST_LOG_POWER = 450;
const scratch = new Float64Array(DIRECT_TABLES + 1);
// Terms below this share of the sum no longer change it.
const NEGLIGIBLE = 1e-17;

/** The 2×2 table of one window by its margins: `total` units of which `candidate` are the candidate's, `events` events. */
export type Margins = { readonly total: number; readonly candidate: number; readonly events: number };

/**
 * log Σ_y h(y)·ψ^y for each log odds ratio, h the hypergeometric probability of y candidate events given the margins: the
 * log of Fisher's noncentral normaliser over the central one. Exact up to rounding for any counts up to 10⁹; the cost grows
 * with the standard deviation of y, not with the number of requests.
 */
export const logFisherNormalisers = (margins: Margins, logPsis: ReadonlyArray<number>): Array<number> => {
  const { total, candidate, events } = margins;
  const low = Math.max(0, events + candidate - total);
  const high = Math.min(events, candidate);
  if (low === high) return logPsis.map((logPsi) => low * logPsi);
  let steepest = 0;
  for (const logPsi of logPsis) steepest = Math.max(steepest, Math.abs(logPsi));
  return high - low <= DIRECT_TABLES && (high - low) * steepest <= LARGEST_LOG_POWER
    ? directNormalisers(margins, low, high, logPsis)
    : logPsis.map((logPsi) => tiltedNormaliser(margins, low, high, logPsi));
};

/** w(y+1)/w(y) of the hypergeometric weights. */
const ratioAfter = ({ total, candidate, events }: Margins, y: number): number =>
  ((events - y) * (candidate - y)) / ((y + 1) * (total - events - candidate + y + 1));

const directNormalisers = (
  { total, candidate, events }: Margins,
  low: number,
  high: number,
  logPsis: ReadonlyArray<number>,
): Array<number> => {
  const sound = total - events - candidate + 1;
  const mode = Math.min(high, Math.max(low, Math.floor(((candidate + 1) * (events + 1)) / (total + 2))));
  scratch[mode - low] = 1;
  let sum = 1;
  for (let y = mode, weight = 1; y < high; y++) {
    weight *= ((events - y) * (candidate - y)) / ((y + 1) * (sound + y));
    scratch[y + 1 - low] = weight;
    sum += weight;
  }
  for (let y = mode, weight = 1; y > low; y--) {
    weight *= (y * (sound + y - 1)) / ((events - y + 1) * (candidate - y + 1));
    scratch[y - 1 - low] = weight;
    sum += weight;
  }
  const normalisers = new Array<number>(logPsis.length);
  for (let j = 0; j < logPsis.length; j++) {
    const logPsi = logPsis[j] as number;
    if (logPsi === 0) {
      normalisers[j] = 0;
      continue;
    }
    const psi = Math.exp(logPsi);
    // Horner's rule from the top: Σ w(y) ψ^(y−low).
    let tilted = 0;
    for (let i = high - low; i >= 0; i--) tilted = tilted * psi + (scratch[i] as number);
    normalisers[j] = low * logPsi + Math.log(tilted / sum);
  }
  return normalisers;
};

const tiltedNormaliser = (margins: Margins, low: number, high: number, logPsi: number): number => {
  const psi = Math.exp(logPsi);
  const mode = tiltedMode(margins, low, high, psi);
  let sum = 1;
  for (let y = mode, weight = 1; y < high && weight > sum * NEGLIGIBLE; y++) {
    weight *= ratioAfter(margins, y) * psi;
    sum += weight;
  }
  for (let y = mode, weight = 1; y > low && weight > sum * NEGLIGIBLE; y--) {
    weight /= ratioAfter(margins, y - 1) * psi;
    sum += weight;
  }
  const { total, candidate, events } = margins;
  return logHypergeometricTerm(mode, events, total - events, candidate) + mode * logPsi + Math.log(sum);
};

/** Largest y with w(y)ψ^y not below its neighbours: the ratio of neighbours falls in y, so bisection finds it. */
const tiltedMode = (margins: Margins, low: number, high: number, psi: number): number => {
  let below = low;
  let above = high;
  while (below < above) {
    const middle = Math.floor((below + above) / 2);
    if (ratioAfter(margins, middle) * psi >= 1) below = middle + 1;
    else above = middle;
  }
  return below;
};

/**
 * Log e-value of one window against "the odds of an event are at most `psi0` times the baseline's", for the alternative
 * odds ratio `psi` ≥ psi0: log[(ψ/ψ₀)^x · Σ h(y)ψ₀^y / Σ h(y)ψ^y]. Given the margins x has Fisher's noncentral
 * hypergeometric distribution whatever the base rate, and its likelihood ratio is monotone in x, so the expectation is at
 * most 1 for every odds ratio ≤ psi0. Assumes units that fail independently of each other and of the arm they fell on, or, at
 * psi0 = 1, an assignment made at random by unit.
 * Errors: counts that cannot be. Sources: Fisher 1935; Johari et al. 2022; Turner, Ly & Grünwald 2024.
 */
export const stratifiedFisherLogE = (
  margins: Margins & { readonly candidateEvents: number; readonly psi: number; readonly psi0?: number },
): number => {
  const { total, candidate, events, candidateEvents, psi, psi0 = 1 } = margins;
  requireCount("total", total);
  requireCountOf("candidate", candidate, "total", total);
  requireCountOf("events", events, "total", total);
  requireCountOf("candidateEvents", candidateEvents, "min(events, candidate)", Math.min(events, candidate));
  if (events - candidateEvents > total - candidate) {
    throw new InvalidArgument(
      "candidateEvents",
      candidateEvents,
      "enough to leave the baseline no more events than units",
    );
  }
  requirePositive("psi", psi);
  requirePositive("psi0", psi0);
  const logPsi = Math.log(psi);
  const logPsi0 = Math.log(psi0);
  const [tilted = 0, base = 0] = logFisherNormalisers(margins, [logPsi, logPsi0]);
  return candidateEvents * (logPsi - logPsi0) - (tilted - base);
};
