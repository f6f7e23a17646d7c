import { randomSource } from "../random/random-source.ts";
import { exceedance } from "../sequential/exceedance.ts";
import { type RolloutPlan, simulateRollout } from "./rollout.ts";
import type { Method } from "./watcher.ts";

/** For each method, the minute (from 1) of its first alarm in each rollout, or Infinity. */
export type Alarms = ReadonlyArray<ReadonlyArray<number>>;

/** Lets all methods watch the same simulated rollouts, each minute, until each has alarmed. Seeded by rollout. */
export const watchRollouts = (
  methods: ReadonlyArray<Method>,
  plan: RolloutPlan,
  options: { readonly rollouts: number; readonly alpha: number; readonly seed: number },
): Alarms => {
  const alarms = methods.map(() => new Array<number>(options.rollouts).fill(Number.POSITIVE_INFINITY));
  for (let rollout = 0; rollout < options.rollouts; rollout++) {
    const seed = options.seed * 1_000_003 + rollout;
    const next = simulateRollout(randomSource(seed), plan);
    const setting = { alpha: options.alpha, shares: plan.shares, perMinute: plan.requestsPerMinute, seed: seed + 0.5 };
    const watchers = methods.map((method) => method.start(setting));
    // One set of thresholds for all: from the baseline's earlier minutes, as the exceedance process proposes them.
    let thresholds = exceedance.initial();
    let waiting = methods.length;
    for (let minute = 1; minute <= plan.shares.length && waiting > 0; minute++) {
      const drawn = next(thresholds.nextThresholdsMs);
      const empty = { n: 0, over: { p90: 0, p95: 0, p99: 0 } };
      thresholds = exceedance.update(thresholds, {
        thresholdsMs: thresholds.nextThresholdsMs,
        baseline: { ...empty, n: drawn.byConversation.baseline.n },
        candidate: empty,
        baselineQuantilesMs: drawn.byConversation.baselineQuantilesMs,
      });
      methods.forEach((method, i) => {
        const own = alarms[i] as number[];
        if (own[rollout] !== Number.POSITIVE_INFINITY) return;
        const view = method.unit === "request" ? drawn.byRequest : drawn.byConversation;
        if (watchers[i]?.look(view)) {
          own[rollout] = minute;
          waiting--;
        }
      });
    }
  }
  return alarms;
};

export const shareAlarmed = (minutes: ReadonlyArray<number>): number =>
  minutes.filter(Number.isFinite).length / minutes.length;

export const medianOf = (values: ReadonlyArray<number>): number =>
  [...values].sort((a, b) => a - b)[values.length >> 1] as number;
