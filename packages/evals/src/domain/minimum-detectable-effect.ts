import { binomial } from "@sluice/statistics/distributions/binomial";
import { normal } from "@sluice/statistics/distributions/normal";
import { mcnemarExact } from "@sluice/statistics/offline/binomial-test";
import { minimumDetectableEffectPaired } from "@sluice/statistics/offline/power";
import { headlineTest } from "./headline-rule.ts";
import type { PairedDifferences } from "./paired-differences.ts";

const POWER = 0.8;
/** With more discordant pairs than this the exact sum and Connor's formula agree in three digits. */
const EXACT_UP_TO = 400;

/**
 * The smallest drop of the headline that its test, at one-sided level `alpha`, would find with probability 0.8 on these
 * cases. Means: from the spread seen here, by the noncentral t. Passes and fails: from the share of cases that differ, which
 * is kept while the balance between worse and better shifts. Null when no drop up to 1 would be found, or when there is no
 * spread to reckon with.
 */
export const minimumDetectableEffect = (group: PairedDifferences, alpha: number): number | null => {
  if (group.n === 0) return null;
  if (headlineTest(group) === "mcnemar-exact") {
    // The bisection asks for the same critical counts again and again.
    const known = new Map<number, number>();
    const critical = (k: number): number => {
      const count = known.get(k) ?? criticalWorse(k, alpha);
      known.set(k, count);
      return count;
    };
    return smallestDrop((drop) => passFailPower(group, drop, alpha, critical));
  }
  if (group.sd === 0 || group.n < 2) return null;
  const { n, sd } = group;
  const effect = minimumDetectableEffectPaired({ n, sd, alpha, power: POWER, sides: 1 });
  return effect <= 1 ? effect : null;
};

const smallestDrop = (powerAt: (drop: number) => number): number | null => {
  if (powerAt(1) < POWER) return null;
  let low = 0;
  let high = 1;
  for (let i = 0; i < 30; i++) {
    const middle = (low + high) / 2;
    if (powerAt(middle) < POWER) low = middle;
    else high = middle;
  }
  return high;
};

/** Power of the exact McNemar test when worse − better is `drop` of all cases. A drop needs at least as many that differ. */
const passFailPower = (
  group: PairedDifferences,
  drop: number,
  alpha: number,
  criticalOf: (k: number) => number,
): number => {
  const { n } = group;
  const share = Math.max((group.worse + group.better) / n, drop);
  if (share === 0) return 0;
  const expected = n * share;
  if (expected > EXACT_UP_TO) {
    const spread = Math.sqrt(Math.max(share - drop * drop, 1e-12));
    return normal.cdf((drop * Math.sqrt(n) - normal.upperQuantile(alpha) * Math.sqrt(share)) / spread);
  }
  const worseShare = Math.min(1, (share + drop) / (2 * share));
  const reach = 8 * Math.sqrt(expected) + 8;
  let power = 0;
  for (let k = Math.max(1, Math.floor(expected - reach)); k <= Math.min(n, expected + reach); k++) {
    const critical = criticalOf(k);
    if (critical > k) continue;
    const weight = Math.exp(binomial.logPmf(k, n, share));
    power += weight * (critical === 0 ? 1 : binomial.sf(critical - 1, k, worseShare));
  }
  return power;
};

/** Fewest worse ones among `k` differing pairs that the exact McNemar test calls a regression; k + 1 when none are enough. */
export const criticalWorse = (k: number, alpha: number): number => {
  let low = 0;
  let high = k + 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (mcnemarExact({ worse: middle, better: k - middle }).pWorse < alpha) high = middle;
    else low = middle;
  }
  return high;
};
