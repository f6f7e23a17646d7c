import type { Policy, ShadowInputs } from "@sluice/contracts";
import { pairedBetting } from "@sluice/statistics/sequential/paired-betting";

export interface ShadowPoint {
  /** Conversations judged so far. */
  readonly n: number;
  readonly mean: number | null;
  readonly low: number | null;
  readonly high: number | null;
  readonly logE: number;
}

/** So many points show the way; more would only cost time. */
const POINTS = 120;

/**
 * Mean paired difference with its confidence sequence and the e-value of the betting half after so many conversations,
 * from the differences on record, in their order. Pure; the last point is the decision's.
 */
export const shadowSeries = (inputs: ShadowInputs, policy: Policy["shadow"]): ReadonlyArray<ShadowPoint> => {
  const differences = inputs.scores.map(([baseline, candidate]) => candidate - baseline);
  const points: Array<ShadowPoint> = [];
  let state = pairedBetting.initial({ margin: policy.margin });
  const every = Math.max(1, Math.ceil(differences.length / POINTS));
  for (let from = 0; from < differences.length; from += every) {
    state = pairedBetting.update(state, { differences: differences.slice(from, from + every) });
    const { n, estimate, interval, peakLogE } = pairedBetting.evidence(state);
    points.push({
      n: n.baseline,
      mean: estimate,
      low: interval?.low ?? null,
      high: interval?.high ?? null,
      logE: peakLogE,
    });
  }
  return points;
};

export interface Agreement {
  readonly equal: number;
  readonly better: number;
  readonly worse: number;
}

/** How often the judge gave both answers the same score, and how often one of them more. */
export const agreementOf = ({ scores }: ShadowInputs): Agreement => ({
  equal: scores.filter(([baseline, candidate]) => baseline === candidate).length,
  better: scores.filter(([baseline, candidate]) => candidate > baseline).length,
  worse: scores.filter(([baseline, candidate]) => candidate < baseline).length,
});
