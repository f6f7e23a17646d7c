import type { Interval } from "@sluice/contracts";
import { normal } from "@sluice/statistics/distributions/normal";
import { studentT } from "@sluice/statistics/distributions/student-t";
import type { PairedDifferences } from "./paired-differences.ts";

const CONFIDENCE = 0.95;
const TAIL = (1 - CONFIDENCE) / 2;

const within = (middle: number, reach: number): Interval => ({
  low: Math.max(-1, middle - reach),
  high: Math.min(1, middle + reach),
  confidence: CONFIDENCE,
});

/** Two-sided 95 % Student interval of the mean difference; null for a single case or without spread. */
export const meanInterval = (group: PairedDifferences): Interval | null =>
  group.sd > 0 ? within(group.mean, (studentT.upperQuantile(TAIL, group.n - 1) * group.sd) / Math.sqrt(group.n)) : null;

/**
 * Two-sided 95 % interval of a difference of paired proportions (Bonett & Price 2012): Wald with one case added to each
 * kind of discordant pair. Unlike Wald it has a width when no case differs.
 */
export const pairedProportionInterval = ({ n, worse, better }: PairedDifferences): Interval | null => {
  if (n === 0) return null;
  const down = (worse + 1) / (n + 2);
  const up = (better + 1) / (n + 2);
  const error = Math.sqrt((down + up - (up - down) ** 2) / (n + 2));
  return within(up - down, normal.upperQuantile(TAIL) * error);
};
