import { type ArmOutcome, differenceOf, type PairedCase } from "./case-table.ts";

/** What the tests need of a group of cases. Sums in two passes, so that no offset costs digits. */
export interface PairedDifferences {
  readonly n: number;
  readonly differences: Float64Array;
  readonly baselineMean: number;
  readonly candidateMean: number;
  /** Candidate minus baseline. */
  readonly mean: number;
  /** Standard deviation with n − 1; 0 for a single case. */
  readonly sd: number;
  readonly worse: number;
  readonly better: number;
  /** Every score of both arms is 0 or 1. */
  readonly binary: boolean;
}

const isBinary = ({ score }: ArmOutcome): boolean => score === 0 || score === 1;

export const pairedDifferences = (cases: ReadonlyArray<PairedCase>): PairedDifferences => {
  const n = cases.length;
  const differences = new Float64Array(n);
  let baseline = 0;
  let candidate = 0;
  let worse = 0;
  let better = 0;
  let binary = true;
  cases.forEach((pair, i) => {
    const difference = differenceOf(pair);
    differences[i] = difference;
    baseline += pair.baseline.score;
    candidate += pair.candidate.score;
    if (difference < 0) worse++;
    if (difference > 0) better++;
    binary &&= isBinary(pair.baseline) && isBinary(pair.candidate);
  });
  const { mean, sd } = momentsOf(differences);
  // A mean of numbers in [0, 1] may leave it by a rounding error.
  const ratio = (sum: number) => (n === 0 ? 0 : Math.min(1, Math.max(0, sum / n)));
  return {
    n,
    differences,
    baselineMean: ratio(baseline),
    candidateMean: ratio(candidate),
    mean,
    sd,
    worse,
    better,
    binary,
  };
};

/** Spread below this is rounding (0.3 − 0.2 differs from 0.2 − 0.1 in the last digits) and counts as none. */
const ROUNDING = 1e-12;

const momentsOf = (values: Float64Array): { readonly mean: number; readonly sd: number } => {
  const n = values.length;
  if (n === 0) return { mean: 0, sd: 0 };
  let sum = 0;
  for (const value of values) sum += value;
  const mean = sum / n;
  let squares = 0;
  for (const value of values) squares += (value - mean) * (value - mean);
  const sd = n > 1 ? Math.sqrt(squares / (n - 1)) : 0;
  return { mean, sd: sd > ROUNDING ? sd : 0 };
};
