import { randomSource } from "../random/random-source.ts";
import type { Minute } from "../simulation/minute.ts";
import { rampShares, simulateRollout } from "../simulation/rollout.ts";
import { initialRollout, type RolloutState, rolloutLogE, updateRollout } from "../simulation/sluice.ts";
import { noFault } from "../simulation/world.ts";

export type DecisionTime = {
  readonly requestsPerMinute: number;
  /** Stored state (JSON) of 120 minutes + one more minute → evidence and new stored state, in milliseconds. */
  readonly stepMedianMs: number;
  readonly stepP99Ms: number;
  /** All 120 minutes of five metrics folded again from their sufficient statistics. */
  readonly replayMedianMs: number;
  readonly stateBytes: number;
};

const quantile = (values: ReadonlyArray<number>, p: number): number =>
  [...values].sort((a, b) => a - b)[Math.floor(p * values.length)] as number;

const timed = (runs: number, work: () => void): ReadonlyArray<number> => {
  for (let i = 0; i < runs; i++) work();
  return Array.from({ length: runs }, () => {
    const start = performance.now();
    work();
    return performance.now() - start;
  });
};

export const measureDecisionTime = (requestsPerMinute: number, runs: number): DecisionTime => {
  const plan = { traffic: "steady", requestsPerMinute, shares: rampShares, fault: noFault } as const;
  const next = simulateRollout(randomSource(1), plan);
  let state = initialRollout();
  const minutes: Array<Minute> = [];
  for (const _ of rampShares) {
    const minute = next(state.latency.nextThresholdsMs).byRequest;
    minutes.push(minute);
    state = updateRollout(state, minute);
  }
  const stored = JSON.stringify(state);
  const last = minutes[70] as Minute;
  let sink = 0;
  const steps = timed(runs, () => {
    const moved = updateRollout(JSON.parse(stored) as RolloutState, last);
    sink += rolloutLogE(moved) + JSON.stringify(moved).length;
  });
  const replays = timed(Math.ceil(runs / 10), () => {
    sink += rolloutLogE(minutes.reduce(updateRollout, initialRollout()));
  });
  if (Number.isNaN(sink)) throw new Error("evidence is not a number");
  return {
    requestsPerMinute,
    stepMedianMs: quantile(steps, 0.5),
    stepP99Ms: quantile(steps, 0.99),
    replayMedianMs: quantile(replays, 0.5),
    stateBytes: stored.length,
  };
};
