import { combine } from "../sequential/combine.ts";
import { type ExceedanceState, exceedance } from "../sequential/exceedance.ts";
import { type GroupMeansState, groupMeans } from "../sequential/group-means.ts";
import { type StratifiedRatesState, stratifiedRates } from "../sequential/stratified-rates.ts";
import type { Minute } from "./minute.ts";
import type { Method } from "./watcher.ts";

/** State of the five metrics of a rollout, as the canary keeps it. */
export type RolloutState = {
  readonly errors: StratifiedRatesState;
  readonly refusals: StratifiedRatesState;
  readonly flags: StratifiedRatesState;
  readonly latency: ExceedanceState;
  readonly quality: GroupMeansState;
};

export const initialRollout = (designEffect = 1): RolloutState => ({
  errors: stratifiedRates.initial({ designEffect }),
  refusals: stratifiedRates.initial({ designEffect }),
  flags: stratifiedRates.initial({ designEffect }),
  latency: exceedance.initial({ designEffect }),
  quality: groupMeans.initial({ designEffect }),
});

const rate = (minute: Minute, metric: "errors" | "refusals" | "flags") => ({
  baseline: { n: minute.baseline.n, events: minute.baseline.events[metric] },
  candidate: { n: minute.candidate.n, events: minute.candidate.events[metric] },
});

export const updateRollout = (state: RolloutState, minute: Minute): RolloutState => ({
  errors: stratifiedRates.update(state.errors, rate(minute, "errors")),
  refusals: stratifiedRates.update(state.refusals, rate(minute, "refusals")),
  flags: stratifiedRates.update(state.flags, rate(minute, "flags")),
  latency: exceedance.update(state.latency, {
    thresholdsMs: state.latency.nextThresholdsMs,
    baseline: { n: minute.baseline.n, over: minute.baseline.over },
    candidate: { n: minute.candidate.n, over: minute.candidate.over },
    baselineQuantilesMs: minute.baselineQuantilesMs,
  }),
  quality: groupMeans.update(state.quality, { baseline: minute.baseline.scores, candidate: minute.candidate.scores }),
});

/** Log e-value of the whole rollout: the mean over its five metrics. */
export const rolloutLogE = (state: RolloutState): number =>
  combine([
    stratifiedRates.evidence(state.errors).logE,
    stratifiedRates.evidence(state.refusals).logE,
    stratifiedRates.evidence(state.flags).logE,
    exceedance.evidence(state.latency).logE,
    groupMeans.evidence(state.quality).logE,
  ]);

const method = (name: string, unit: "request" | "conversation", designEffect = 1): Method => ({
  name,
  unit,
  start: ({ alpha }) => {
    let state = initialRollout(designEffect);
    const bar = -Math.log(alpha);
    return {
      look: (minute) => {
        state = updateRollout(state, minute);
        return rolloutLogE(state) >= bar;
      },
    };
  },
});

export const sluice = method("Sluice", "conversation");
/** The same processes fed with every request: what clustering does to them. */
export const sluiceByRequest = method("Sluice, counting requests", "request");
// The largest of the five metrics' design effects in the simulated conversations: 1 + 8 × 0.4 for refusals.
export const sluiceByRequestDeflated = method("Sluice, counting requests, design effect 4.2", "request", 4.2);
