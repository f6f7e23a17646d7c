import { normal } from "@sluice/statistics/distributions/normal";
import { studentT } from "@sluice/statistics/distributions/student-t";
import { mcnemarExact } from "@sluice/statistics/offline/binomial-test";
import { signFlipLowerTail } from "./exact-sign-flip.ts";
import { headlineTest } from "./headline-rule.ts";
import { criticalWorse } from "./minimum-detectable-effect.ts";
import type { OfflinePolicy } from "./offline-policy.ts";
import type { PairedDifferences } from "./paired-differences.ts";
import { type SliceMethod, sliceLevel, sliceMethod, sliceTail } from "./slice-rule.ts";

/**
 * A test as a limit on a sum, given the sizes of the differences: exchanging arms changes signs only, so the sum of squares
 * (and with it z, t and every p) is a function of the sum. It rejects when the sum is below `limit`.
 */
export interface RejectionLimit {
  /** Whether the sum is that of the signs (sign and McNemar tests) or of the differences. */
  readonly of: "differences" | "signs";
  readonly limit: number;
  readonly pValueOf: (sum: number) => number;
}

const sumOfSquares = (group: PairedDifferences): number =>
  group.differences.reduce((total, difference) => total + difference * difference, 0);

/** mean/se < −c  ⟺  sum < −c·√(Q·n/(n − 1 + c²)), Q the sum of squares. */
const meanLimit = (n: number, squares: number, c: number): number => -c * Math.sqrt((squares * n) / (n - 1 + c * c));

const zOf = (n: number, squares: number, sum: number): number => {
  const spread = Math.sqrt(Math.max(0, squares - (sum * sum) / n) / (n - 1));
  return spread > 0 ? sum / n / (spread / Math.sqrt(n)) : Math.sign(sum) * Number.MAX_VALUE;
};

const signLimit = (group: PairedDifferences, level: number): RejectionLimit => {
  const differing = group.worse + group.better;
  // Half-way between the signs' sum of the critical count and the next one (sums of signs go in steps of 2).
  const limit = differing - 2 * criticalWorse(differing, level) + 1;
  const pValueOf = (sum: number) => {
    const worse = (differing - sum) / 2;
    return mcnemarExact({ worse, better: differing - worse }).pWorse;
  };
  return { of: "signs", limit, pValueOf };
};

/** The limit of a slice's test when `slices` slices are tested together. */
export const sliceLimit = (group: PairedDifferences, policy: OfflinePolicy, slices: number): RejectionLimit => {
  const method: SliceMethod = sliceMethod(group.n, group.sd);
  const level = policy.sliceCorrection === "holm" ? sliceLevel(policy) / slices : sliceLevel(policy);
  // Without spread now the exchanged slice has some (unless nothing differs, and then no test rejects).
  const exchanged = method === "sign" && group.n >= 10 ? (group.n < 30 ? "student-t" : "normal") : method;
  if (exchanged === "sign") return signLimit(group, level);
  const squares = sumOfSquares(group);
  const c =
    exchanged === "student-t"
      ? studentT.upperQuantile(level, group.n - 1)
      : policy.sliceCorrection === "holm"
        ? normal.upperQuantile(level)
        : policy.sliceSigmas;
  return {
    of: "differences",
    limit: squares > 0 ? meanLimit(group.n, squares, c) : Number.NEGATIVE_INFINITY,
    pValueOf: (sum) => sliceTail(exchanged, zOf(group.n, squares, sum), group.n),
  };
};

/** The limit of the headline's test. */
export const headlineLimit = (group: PairedDifferences, alpha: number): RejectionLimit => {
  const test = headlineTest(group);
  if (test === "mcnemar-exact") return signLimit(group, alpha);
  const squares = sumOfSquares(group);
  const never = { of: "differences", limit: Number.NEGATIVE_INFINITY, pValueOf: () => 1 } as const;
  if (squares === 0) return never;
  if (group.n < 30) {
    const tail = signFlipLowerTail(Array.from(group.differences));
    return { of: "differences", limit: largestRejected(tail, group, alpha), pValueOf: tail };
  }
  const c = studentT.upperQuantile(alpha, group.n - 1);
  const pValueOf = (sum: number) => studentT.cdf(zOf(group.n, squares, sum), group.n - 1);
  return { of: "differences", limit: meanLimit(group.n, squares, c), pValueOf };
};

const largestRejected = (tail: (sum: number) => number, group: PairedDifferences, alpha: number): number => {
  const reach = group.differences.reduce((total, difference) => total + Math.abs(difference), 0) + 1;
  let low = -reach;
  let high = reach;
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    if (tail(middle) < alpha) low = middle;
    else high = middle;
  }
  return low;
};
