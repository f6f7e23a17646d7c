import { bernoulliInformation } from "../simulation/efficiency.ts";
import { comparedMethods } from "../simulation/peer-methods.ts";
import { naivePeeking } from "../simulation/peers.ts";
import { rampShares, type Traffic } from "../simulation/rollout.ts";
import { medianOf, shareAlarmed, watchRollouts } from "../simulation/watch.ts";
import { noFault, oddsBetween } from "../simulation/world.ts";
import { percent, table, times } from "./markdown.ts";

export type ComparisonOptions = { readonly alpha: number; readonly rollouts: number; readonly seed: number };

const traffics: ReadonlyArray<Traffic> = ["steady", "drifting", "clustered"];
const volumes = [10, 100, 1_000];

/** Requests a perfect SPRT that knows both rates would need on the ramp, from Wald's expectation. */
export const rampLimit = (alpha: number, perMinute: number, from: number, to: number): number => {
  const needed = -Math.log(alpha) / bernoulliInformation(to, from);
  let candidates = 0;
  for (const [minute, share] of rampShares.entries()) {
    const more = perMinute * share;
    if (candidates + more >= needed) return perMinute * (minute + (needed - candidates) / more);
    candidates += more;
  }
  return Number.POSITIVE_INFINITY;
};

export type Comparison = { readonly markdown: string; readonly naiveOverSluice: number; readonly worstSluice: number };

/** False alarms of every method in every kind of traffic, and what it detects of errors 1 → 2 % at 1,000 requests a minute. */
export const compareMethods = ({ alpha, rollouts, seed }: ComparisonOptions): Comparison => {
  const falseAlarms: Array<Array<number>> = comparedMethods.map(() => []);
  for (const [i, traffic] of traffics.entries()) {
    for (const [j, requestsPerMinute] of volumes.entries()) {
      const plan = { traffic, requestsPerMinute, shares: rampShares, fault: noFault };
      const alarms = watchRollouts(comparedMethods, plan, { rollouts, alpha, seed: seed + 10 * i + j });
      alarms.forEach((minutes, m) => {
        falseAlarms[m]?.push(shareAlarmed(minutes));
      });
    }
  }
  const fault = { ...noFault, errorOdds: oddsBetween(0.01, 0.02) };
  const plan = { traffic: "steady", requestsPerMinute: 1_000, shares: rampShares, fault } as const;
  const detected = watchRollouts(comparedMethods, plan, {
    rollouts: Math.min(rollouts, 500),
    alpha,
    seed: seed + 99,
  });
  const limit = rampLimit(alpha, 1_000, 0.01, 0.02);
  const rows = comparedMethods.map((method, m) => {
    const minutes = detected[m] ?? [];
    return [
      method.name,
      ...(falseAlarms[m] ?? []).map((share) => percent(share)),
      percent(shareAlarmed(minutes), 0),
      times((medianOf(minutes) * 1_000) / limit),
    ];
  });
  const head = [
    "method",
    ...traffics.flatMap((traffic) => volumes.map((volume) => `${traffic} ${volume}/min`)),
    "power, errors 1 → 2 %",
    "median requests ÷ limit",
  ];
  const ours = falseAlarms[0] ?? [];
  const naive = falseAlarms[comparedMethods.indexOf(naivePeeking)] ?? [];
  const mean = (values: ReadonlyArray<number>): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  return { markdown: table(head, rows), naiveOverSluice: mean(naive) / mean(ours), worstSluice: Math.max(...ours) };
};

/** Sluice on faults that begin in the middle of the rollout: median minutes from the fault to the alarm. */
export const lateFaults = ({ alpha, rollouts, seed }: ComparisonOptions): string => {
  const cases = [
    { name: "errors 1 → 2 %", fault: { errorOdds: oddsBetween(0.01, 0.02) } },
    { name: "errors 1 → 5 %", fault: { errorOdds: oddsBetween(0.01, 0.05) } },
    { name: "refusals 3 → 5 %", fault: { refusalOdds: oddsBetween(0.03, 0.05) } },
    { name: "p95 × 1.2", fault: { latencyRatio: 1.2 } },
    { name: "quality − 0.05", fault: { scoreShift: 0.1 } },
  ];
  const rows = cases.map(({ name, fault }) => [
    name,
    ...[0, 40, 70].map((fromMinute) => {
      const [sluice] = comparedMethods;
      if (sluice === undefined) return "–";
      const plan = {
        traffic: "drifting",
        requestsPerMinute: 1_000,
        shares: rampShares,
        fault: { ...noFault, ...fault, fromMinute },
      } as const;
      const [minutes = []] = watchRollouts([sluice], plan, { rollouts: Math.min(rollouts, 200), alpha, seed });
      const after = medianOf(minutes) - fromMinute;
      return `${Number.isFinite(after) ? after : "–"} min, ${percent(shareAlarmed(minutes), 0)}`;
    }),
  ]);
  return table(["fault", "from the first minute (1 %)", "from minute 40 (5 %)", "from minute 70 (25 %)"], rows);
};
