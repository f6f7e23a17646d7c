import type { SliceResult } from "@sluice/contracts";
import { normal } from "@sluice/statistics/distributions/normal";
import { studentT } from "@sluice/statistics/distributions/student-t";
import { adjustBenjaminiHochberg, adjustHolm } from "@sluice/statistics/offline/adjust";
import { mcnemarExact } from "@sluice/statistics/offline/binomial-test";
import type { PairedCase } from "./case-table.ts";
import { meanInterval } from "./mean-interval.ts";
import type { OfflinePolicy } from "./offline-policy.ts";
import { type PairedDifferences, pairedDifferences } from "./paired-differences.ts";

/** From here on the normal tail is used. */
const NORMAL_FROM = 30;
/** Below this a mean says little about its own error: only the signs are counted. */
const SIGN_BELOW = 10;

export type SliceMethod = SliceResult["method"];

export const sliceMethod = (n: number, sd: number): SliceMethod =>
  n < SIGN_BELOW || sd === 0 ? "sign" : n < NORMAL_FROM ? "student-t" : "normal";

/** One-sided tail that belongs to the policy's number of standard errors: 2 gives .02275. */
export const sliceLevel = (policy: OfflinePolicy): number => normal.sf(policy.sliceSigmas);

/** One-sided p of "the slice is no worse", given z (mean over its standard error). */
export const sliceTail = (method: "normal" | "student-t", z: number, n: number): number =>
  method === "normal" ? normal.cdf(z) : studentT.cdf(z, n - 1);

const pValueOf = (group: PairedDifferences, method: SliceMethod, z: number | null): number =>
  method === "sign" || z === null
    ? mcnemarExact({ worse: group.worse, better: group.better }).pWorse
    : sliceTail(method, z, group.n);

/** The cases of each slice, safety included; in alphabetical order, so that a report does not depend on the file's. */
export const casesBySlice = (cases: ReadonlyArray<PairedCase>): ReadonlyArray<readonly [string, Array<PairedCase>]> => {
  const groups = new Map<string, Array<PairedCase>>();
  for (const pair of cases) {
    if (pair.slice === null) continue;
    const group = groups.get(pair.slice);
    if (group) group.push(pair);
    else groups.set(pair.slice, [pair]);
  }
  return [...groups].sort(([a], [b]) => (a < b ? -1 : 1));
};

/**
 * Rule (b): a slice is down by more than `sliceSigmas` standard errors of its mean paired difference. z < −sigmas for
 * n >= 30, Student's t at the same tail below, an exact sign test at that tail for n < 10 or without spread. With a
 * correction the adjusted p decides instead; both adjusted p-values are reported in any case.
 */
export const sliceResults = (cases: ReadonlyArray<PairedCase>, policy: OfflinePolicy): ReadonlyArray<SliceResult> => {
  const level = sliceLevel(policy);
  const measured = casesBySlice(cases).map(([slice, members]) => {
    const group = pairedDifferences(members);
    const method = sliceMethod(group.n, group.sd);
    const z = group.sd > 0 ? group.mean / (group.sd / Math.sqrt(group.n)) : null;
    return { slice, group, method, z, pValue: pValueOf(group, method, z) };
  });
  if (measured.length === 0) return [];
  const pValues = measured.map(({ pValue }) => pValue);
  const holm = adjustHolm(pValues);
  const bh = adjustBenjaminiHochberg(pValues);
  return measured.map(({ slice, group, method, z, pValue }, i) => {
    const pHolm = holm[i] ?? 1;
    const pBh = bh[i] ?? 1;
    const uncorrected = method === "normal" && z !== null ? z < -policy.sliceSigmas : pValue < level;
    const breached = { none: uncorrected, holm: pHolm < level, bh: pBh < level }[policy.sliceCorrection];
    return {
      slice,
      n: group.n,
      baselineMean: group.baselineMean,
      candidateMean: group.candidateMean,
      difference: group.mean,
      z,
      method,
      interval: meanInterval(group),
      pValue,
      pHolm,
      pBh,
      breached,
    };
  });
};
