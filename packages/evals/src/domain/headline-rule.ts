import type { GateReport } from "@sluice/contracts";
import { studentT } from "@sluice/statistics/distributions/student-t";
import { mcnemarExact } from "@sluice/statistics/offline/binomial-test";
import type { PairedCase } from "./case-table.ts";
import { signFlipLowerTail } from "./exact-sign-flip.ts";
import { meanInterval, pairedProportionInterval } from "./mean-interval.ts";
import { type PairedDifferences, pairedDifferences } from "./paired-differences.ts";

export type Headline = NonNullable<GateReport["headline"]>;

/** Below this the mean of the differences need not be near normal. */
const T_FROM = 30;

/** The headline is measured on non-safety cases, or on all where every case is a safety case. */
export const headlineCases = (cases: ReadonlyArray<PairedCase>): ReadonlyArray<PairedCase> => {
  const ordinary = cases.filter((pair) => !pair.safety);
  return ordinary.length > 0 ? ordinary : cases;
};

export const headlineTest = (group: PairedDifferences): Headline["test"] =>
  group.binary ? "mcnemar-exact" : group.n < T_FROM || group.sd === 0 ? "sign-flip" : "paired-t";

/** Rule (c): the one-sided p of "the candidate is no worse", by the test that fits the scores. Null without cases. */
export const headlineResult = (cases: ReadonlyArray<PairedCase>): Headline | null => {
  const group = pairedDifferences(headlineCases(cases));
  if (group.n === 0) return null;
  const test = headlineTest(group);
  const { n, baselineMean, candidateMean, mean: difference } = group;
  const common = { test, n, baselineMean, candidateMean, difference };
  if (test === "mcnemar-exact") {
    const { pWorse, midPWorse } = mcnemarExact(group);
    return { ...common, interval: pairedProportionInterval(group), pValue: pWorse, midP: midPWorse };
  }
  const pValue = test === "paired-t" ? studentT.cdf(difference / (group.sd / Math.sqrt(n)), n - 1) : signFlipP(group);
  return { ...common, interval: meanInterval(group), pValue, midP: null };
};

const signFlipP = (group: PairedDifferences): number => {
  // Without spread all differences are equal, so the sign pattern alone decides, however many there are.
  if (group.sd === 0) return mcnemarExact(group).pWorse;
  const sum = group.differences.reduce((total, difference) => total + difference, 0);
  return signFlipLowerTail(Array.from(group.differences))(sum);
};
