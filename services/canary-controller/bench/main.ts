import { existsSync, readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { faults, type Outcome, releaseOfTheWeek, weekAlpha } from "../src/domain/simulated-week.fixture.ts";

/**
 * A week of traffic and 300 releases: 200 healthy ones, 100 with a fault.
 * `node services/canary-controller/bench/main.ts [healthy] [faulty]`; seeded, so it prints the same table again.
 */
const MINUTE_MS = 60_000;
const alpha = weekAlpha;

/** Requests of each minute of a recording of a public service (19,366 in 58 minutes), or as many evenly without it. */
const recordedMinutes = (): ReadonlyArray<number> => {
  const file = new URL("../../../../shared/data/traces/azure-llm-conv-2023.jsonl.gz", import.meta.url);
  if (!existsSync(file)) return [332];
  const counts = Array.from({ length: 58 }, () => 0);
  for (const line of gunzipSync(readFileSync(file)).toString("utf8").trim().split("\n")) {
    const minute = Math.floor((JSON.parse(line) as { t_ms: number }).t_ms / MINUTE_MS);
    if (minute < counts.length) counts[minute] = (counts[minute] ?? 0) + 1;
  }
  return counts;
};

const median = (values: ReadonlyArray<number>): string =>
  values.length === 0 ? "–" : String(values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]);

const [healthyCount = 200, faultyCount = 100] = process.argv.slice(2).map(Number);
const startedAt = performance.now();
const perMinute = recordedMinutes();
console.log(`arrivals: ${perMinute.length > 1 ? "recorded, by the minute" : "332 a minute"}, with a daily cycle`);

const fine = Array.from({ length: healthyCount }, (_, i) =>
  releaseOfTheWeek({ seed: 1_000 + i, perMinute, fault: null, late: false }),
);
const falseAlarms = fine.filter(({ ended }) => ended !== "completed");
const limit = alpha * healthyCount + 3 * Math.sqrt(healthyCount * alpha * (1 - alpha));
console.log(`healthy: ${fine.length} releases, ${falseAlarms.length} rolled back (at most ${limit.toFixed(1)})`);
for (const { cause, step } of falseAlarms) console.log(`  ${cause} at step ${step + 1}`);

// Where both arms have an outage at the last step, only a baseline beside the candidate can tell that nobody is to blame.
const throughOutages = (finalHoldback: number) =>
  Array.from({ length: Math.ceil(healthyCount / 4) }, (_, i) =>
    releaseOfTheWeek({ seed: 4_000 + i, perMinute, fault: null, late: false, outages: true, finalHoldback }),
  );
const withOutages = [0, 0.05].map((finalHoldback) => ({ finalHoldback, outcomes: throughOutages(finalHoldback) }));
for (const { finalHoldback, outcomes } of withOutages)
  console.log(
    `healthy, with outages of both arms, finalHoldback ${finalHoldback}: ${outcomes.length} releases, ${outcomes.filter(({ ended }) => ended !== "completed").length} rolled back`,
  );

/** Every fault at once and late, in turn. */
const cells = faults.flatMap((fault) => [false, true].map((late) => ({ fault, late, outcomes: [] as Array<Outcome> })));
for (let i = 0; i < faultyCount; i++) {
  const cell = cells[i % cells.length];
  cell?.outcomes.push(releaseOfTheWeek({ seed: 9_000 + i, perMinute, fault: cell.fault, late: cell.late }));
}
console.log("\nfault                  start   found  median delay (min)  requests hit (median)  at step");
for (const { fault, late, outcomes } of cells) {
  const found = outcomes.filter(({ ended, delayMinutes }) => ended === "breached" && delayMinutes !== null);
  console.log(
    [
      fault.name.padEnd(22),
      (late ? "late" : "at once").padEnd(7),
      `${found.length}/${outcomes.length}`.padEnd(6),
      median(found.flatMap(({ delayMinutes }) => delayMinutes ?? [])).padEnd(19),
      median(found.map(({ exposed }) => exposed)).padEnd(22),
      [...new Set(found.map(({ step }) => step + 1))].sort().join(", "),
    ].join(" "),
  );
}
const faulty = cells.flatMap(({ outcomes }) => outcomes);
const unfounded = [...fine, ...faulty, ...withOutages.flatMap(({ outcomes }) => outcomes)].flatMap(
  (outcome) => outcome.unfounded,
);
console.log(`\nfaulty: ${faulty.length} releases, ${faulty.filter(({ ended }) => ended === "breached").length} found`);
console.log(`steps passed without their evidence: ${unfounded.length}`);
for (const what of unfounded) console.log(`  ${what}`);
console.log(`${((performance.now() - startedAt) / 1_000).toFixed(1)} s`);
process.exitCode = falseAlarms.length <= limit && unfounded.length === 0 ? 0 : 1;
