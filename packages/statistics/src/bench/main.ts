import { forecastDetectableEffects, forecastDetection } from "../forecast/forecast.ts";
import { dependenceCases, falseAlarmsUnder } from "../simulation/dependence.ts";
import {
  type Efficiency,
  latencyEfficiency,
  rateEfficiency,
  shadowEfficiency,
  shadowFalseAlarms,
} from "../simulation/efficiency.ts";
import { rampShares } from "../simulation/rollout.ts";
import { sluice } from "../simulation/sluice.ts";
import { medianOf, shareAlarmed, watchRollouts } from "../simulation/watch.ts";
import { noFault, oddsBetween } from "../simulation/world.ts";
import { compareMethods, lateFaults } from "./comparison.ts";
import { measureDecisionTime } from "./decision-time.ts";
import { percent, table, times } from "./markdown.ts";

// `pnpm bench:statistics [--rollouts N] [--seed S]`: prints every figure of docs/statistics.md as Markdown.
const option = (name: string, fallback: number): number => {
  const at = process.argv.indexOf(`--${name}`);
  const value = at < 0 ? fallback : Number(process.argv[at + 1]);
  if (Number.isSafeInteger(value) && value > 0) return value;
  console.error(`--${name} must be a whole number above 0, but is ${process.argv[at + 1]}`);
  process.exit(2);
};
const rollouts = option("rollouts", 2_000);
const seed = option("seed", 1);
const alpha = 0.01;
const started = performance.now();
const print = (text = ""): void => console.log(text);
const bound = alpha + 3 * Math.sqrt((alpha * (1 - alpha)) / rollouts);

print(
  `# Statistics, measured\n\nSeed ${seed}, ${rollouts} rollouts a cell, α = ${alpha} for a whole rollout of five metrics`,
);
print("looked at after each of 120 minutes (1, 5, 25, 95 %, 30 minutes each).\n\n## False alarms and power\n");
const comparison = compareMethods({ alpha, rollouts, seed });
print(comparison.markdown);
print(
  `\nSluice's worst cell ${percent(comparison.worstSluice, 2)}, promised at most ${percent(alpha)} ` +
    `(with three Monte-Carlo standard errors ${percent(bound, 2)}): ${comparison.worstSluice <= bound ? "held" : "BROKEN"}. ` +
    `Naive ÷ Sluice, mean over cells: ${times(comparison.naiveOverSluice)}.`,
);

print("\n## Requests to detect, one metric alone\n");
print(
  "Median over runs ÷ Wald's expectation for the SPRT that knows both rates; in brackets ÷ that of a test which, like ours, has to learn the base rate from the baseline. 1,000 requests a minute, whole minutes: a detection within the first minute costs a whole one.\n",
);
const runs = Math.min(1_000, rollouts);
const shares = [0.01, 0.05, 0.25];
const cell = ({ median, limit, ratio, ratioUnknownBase }: Efficiency): string =>
  `${times(ratio)}${ratioUnknownBase === undefined ? "" : ` (${times(ratioUnknownBase)})`}; ${Math.round(median)} ÷ ${Math.round(limit)}`;
const setting = (share: number) => ({ alpha, requestsPerMinute: 1_000, share, runs, seed });
print(
  table(
    ["fault", ...shares.map((share) => `at ${percent(share, 0)}`)],
    [
      ...[0.015, 0.02, 0.05].map((to) => [
        `errors 1 → ${percent(to)}`,
        ...shares.map((share) => cell(rateEfficiency({ ...setting(share), from: 0.01, to }))),
      ]),
      ["p95 × 1.2", ...shares.map((share) => cell(latencyEfficiency({ ...setting(share), ratio: 1.2 })))],
    ],
  ),
);
print("\nShadow (hybrid at α = .01, horizon 10,000 pairs, differences of sd 0.2), in pairs:\n");
const shadowRuns = Math.min(500, rollouts);
print(
  table(
    ["drop of the mean", "median ÷ limit"],
    [0.01, 0.02, 0.05].map((delta) => [
      String(delta),
      cell(shadowEfficiency({ alpha, delta, horizon: 10_000, runs: shadowRuns, seed })),
    ]),
  ),
);
print(
  `\nHealthy shadows of 10,000 pairs rejected: ${percent(
    shadowFalseAlarms({ alpha, horizon: 10_000, pairs: 10_000, runs: shadowRuns, seed }),
    2,
  )} of ${shadowRuns}.`,
);

print("\n## Late faults, drifting traffic, five metrics\n\nMedian minutes from fault to alarm, and share detected.\n");
print(lateFaults({ alpha, rollouts, seed }));

print(
  "\n## Dependence\n\nFalse alarms of one metric at α = .01 on healthy rollouts of 120 minutes, 1,000 requests a minute.\n",
);
print(
  table(
    ["what depends", "what is counted", "false alarms"],
    dependenceCases.map((kind) => [
      kind.name,
      kind.counted,
      percent(falseAlarmsUnder(kind, { rollouts: Math.min(1_000, rollouts), alpha, seed })),
    ]),
  ),
);

print("\n## Forecast against simulation\n");
const steps = [0.01, 0.05, 0.25, 0.95].map((share) => ({ share, minutes: 30 }));
const forecasts = [
  {
    name: "errors 1 → 2 %",
    metric: { kind: "rate", baseRate: 0.01 },
    effect: 0.02,
    fault: { errorOdds: oddsBetween(0.01, 0.02) },
  },
  {
    name: "errors 1 → 5 %",
    metric: { kind: "rate", baseRate: 0.01 },
    effect: 0.05,
    fault: { errorOdds: oddsBetween(0.01, 0.05) },
  },
  { name: "p95 × 1.2", metric: { kind: "latency", logSd: 0.6 }, effect: 1.2, fault: { latencyRatio: 1.2 } },
  {
    name: "quality − 0.05",
    metric: { kind: "mean", baseMean: 0.8, sd: 0.246, judgedShare: 0.1 },
    effect: 0.05,
    fault: { scoreShift: 0.1 },
  },
] as const;
const shown = (minute: number | null): string => (minute === null || !Number.isFinite(minute) ? "–" : `${minute} min`);
print(
  table(
    ["fault", "requests/min", "forecast: half detected by", "simulated", "forecast: detected in the ramp", "simulated"],
    forecasts.flatMap(({ name, metric, effect, fault }) =>
      [100, 1_000].map((perMinute) => {
        const forecast = forecastDetection({ unitsPerMinute: perMinute, steps, alpha, weight: 0.2 }, metric, effect);
        const plan = {
          traffic: "steady",
          requestsPerMinute: perMinute,
          shares: rampShares,
          fault: { ...noFault, ...fault },
        } as const;
        const [minutes = []] = watchRollouts([sluice], plan, { rollouts: Math.min(300, rollouts), alpha, seed });
        return [
          name,
          String(perMinute),
          shown(forecast.minutes.p50),
          shown(medianOf(minutes)),
          percent(forecast.steps.at(-1)?.probability ?? 0, 0),
          percent(shareAlarmed(minutes), 0),
        ];
      }),
    ),
  ),
);
print("\nSmallest error rate (from 1 %) seen with probability 80 % by the end of each step:\n");
print(
  table(
    ["requests/min", "1 %", "5 %", "25 %", "95 %"],
    [10, 100, 1_000, 10_000].map((unitsPerMinute) => [
      String(unitsPerMinute),
      ...forecastDetectableEffects({ unitsPerMinute, steps, alpha, weight: 0.2 }, { kind: "rate", baseRate: 0.01 }).map(
        ({ effect }) => (effect === null ? "–" : percent(effect, 2)),
      ),
    ]),
  ),
);

print("\n## Time of a decision\n\nFive metrics × 120 minutes × all mixtures.\n");
print(
  table(
    [
      "requests/min",
      "stored state + a minute → evidence, p50",
      "p99",
      "replay of all 120 minutes, p50",
      "stored state",
    ],
    [10, 1_000, 100_000, 1_000_000].map((perMinute) => {
      const time = measureDecisionTime(perMinute, 500);
      return [
        String(perMinute),
        `${time.stepMedianMs.toFixed(3)} ms`,
        `${time.stepP99Ms.toFixed(3)} ms`,
        `${time.replayMedianMs.toFixed(2)} ms`,
        `${(time.stateBytes / 1024).toFixed(1)} KB`,
      ];
    }),
  ),
);
print(`\n${((performance.now() - started) / 1_000).toFixed(0)} s`);
