import { existsSync, readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { type CanaryWindow, epochMsOf, Policy, type ReleaseEvent, timestampOf } from "@sluice/contracts";
import { type ApplicationState, decide, evolve } from "@sluice/release";
import { event, wayTo } from "@sluice/release/testing/samples";
import { stateAfter } from "@sluice/release/testing/scenario";
import { type RandomSource, randomSource } from "@sluice/statistics";
import * as Result from "effect/Result";
import * as Schema from "effect/Schema";
import { evaluateCanary } from "../src/domain/evaluate-canary.ts";
import { plan } from "../src/domain/plan.ts";
import { type Behaviour, healthy, simulatedWindow } from "../src/domain/simulated-windows.fixture.ts";

/**
 * Hundreds of releases through the real decisions, with the clock as data: recorded arrival times (a plain Poisson process
 * where they are not at hand), a daily cycle, outages of both arms, and faults of stated kinds, sizes and starts.
 * `node services/canary-controller/bench/main.ts [healthy] [faulty]`; seeded, so it prints the same table again.
 */
const MINUTE_MS = 60_000;
const policy = Schema.decodeUnknownSync(Policy)({
  canary: { safetyProbes: { set: `sha256:${"c".repeat(64)}`, perMinute: 2, confirmations: 2 } },
});
const { canary } = policy;

interface Fault {
  readonly name: string;
  readonly candidate: Partial<Behaviour>;
  readonly unsafe?: boolean;
}
const faults: ReadonlyArray<Fault> = [
  { name: "errors 2 → 6 %", candidate: { errorRate: 0.06 } },
  { name: "errors 2 → 20 %", candidate: { errorRate: 0.2 } },
  { name: "p95 × 1.5", candidate: { medianMs: 1_200 } },
  { name: "p95 × 2.5", candidate: { medianMs: 2_000 } },
  { name: "refusals 4 → 10 %", candidate: { refusalRate: 0.1 } },
  { name: "refusals 4 → 25 %", candidate: { refusalRate: 0.25 } },
  { name: "quality 0.9 → 0.8", candidate: { quality: 0.8 } },
  { name: "quality 0.9 → 0.6", candidate: { quality: 0.6 } },
  { name: "an unsafe answer", candidate: {}, unsafe: true },
];

/** Requests of each minute of a recording of a public service, looped; 332 a minute on average. */
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
const perMinute = recordedMinutes();

interface Outcome {
  readonly ended: string;
  readonly cause: string;
  readonly step: number;
  /** From the first window with the fault to the breach; null without one. */
  readonly delayMinutes: number | null;
  readonly exposed: number;
}

interface World {
  readonly random: RandomSource;
  readonly fault: Fault | null;
  readonly faultFrom: number;
  readonly phase: number;
}

const conditionsAt = ({ random, phase }: World, minute: number): number => {
  const day = 0.25 * Math.sin(phase + (2 * Math.PI * minute) / 1_440);
  // Once in two hours or so everything is bad for a while: nobody's fault.
  const outage = Math.floor(minute / 5) % 26 === 7 ? Math.log(4) : 0;
  return Math.exp(day + outage + 0.1 * (random() - 0.5));
};

const windowAt = (world: World, minute: number, step: number, from: string): CanaryWindow => {
  const { random, fault, faultFrom } = world;
  const isFaulty = fault !== null && minute >= faultFrom;
  const window = simulatedWindow(
    random,
    minute,
    step,
    canary,
    { requestsPerWindow: perMinute[minute % perMinute.length] ?? 332, judgedShare: 0.1 },
    { baseline: healthy, candidate: isFaulty ? { ...healthy, ...fault.candidate } : healthy },
    conditionsAt(world, minute),
  );
  // An unsafe answer is found when the probe that provokes it comes round.
  const found = isFaulty && fault.unsafe === true && random() < 0.1;
  return { ...window, from, probes: { sent: 2, failed: found ? 3 : 0, confirmed: found ? ["probe-7"] : [] } };
};

const rollOut = (seed: number, fault: Fault | null, late: boolean): Outcome => {
  const random = randomSource(seed);
  const world = { random, fault, faultFrom: late ? Math.floor(10 + 80 * random()) : 0, phase: 2 * Math.PI * random() };
  const way = wayTo("rel-1", { policy });
  let state: ApplicationState = stateAfter(event("ApplicationRegistered"), way.shadowPassed);
  const startMs = epochMsOf(state.at);
  const windows: Array<CanaryWindow> = [];
  const said: Array<ReleaseEvent> = [];
  const act = (now: string, isJudged: boolean) => {
    const step = state.active?.step ?? 0;
    const evaluation = isJudged ? evaluateCanary(canary, windows, step) : null;
    const facts = { step: isJudged ? { evaluation, fault: null } : null, passedEvidence: null };
    for (const command of plan(state, now, { ...facts, mitigation: { gateways: [], unacknowledged: [] } })) {
      const events = Result.getOrThrowWith(decide(state, command), (refusal) => new Error(refusal.sentence));
      said.push(...events);
      state = events.reduce(evolve, state);
    }
  };
  act(timestampOf(startMs), false);
  for (let minute = 0; state.active?.phase === "canary" && minute < 3_000; minute++) {
    windows.push(windowAt(world, minute, state.active.step ?? 0, timestampOf(startMs + minute * MINUTE_MS)));
    // Evidence of a breach lasts, so a healthy release need not be looked at every minute to be judged the same.
    if (fault !== null || (minute + 1) % 30 === 0) act(timestampOf(startMs + (minute + 1) * MINUTE_MS), true);
  }
  return outcomeOf(state, windows, world, said);
};

const outcomeOf = (
  state: ApplicationState,
  windows: ReadonlyArray<CanaryWindow>,
  { fault, faultFrom }: World,
  said: ReadonlyArray<ReleaseEvent>,
): Outcome => {
  const breach = said.find((one) => one._tag === "CanaryBreached");
  const faulty = fault === null ? [] : windows.slice(faultFrom);
  return {
    ended: breach ? "breached" : (state.last?.phase ?? "unfinished"),
    cause: breach?._tag === "CanaryBreached" ? breach.cause : "",
    step: windows.at(-1)?.step ?? 0,
    delayMinutes: breach && fault && windows.length > faultFrom ? windows.length - faultFrom : null,
    exposed: faulty.reduce((sum, { candidate }) => sum + candidate.requests, 0),
  };
};

const median = (values: ReadonlyArray<number>): string =>
  values.length === 0 ? "–" : String(values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]);

const [healthyCount = 200, faultyCount = 100] = process.argv.slice(2).map(Number);
const startedAt = performance.now();
const fine = Array.from({ length: healthyCount }, (_, i) => rollOut(1_000 + i, null, false));
const falseAlarms = fine.filter(({ ended }) => ended !== "completed");
const limit = canary.alpha * healthyCount + 3 * Math.sqrt(healthyCount * canary.alpha * (1 - canary.alpha));
console.log(
  `healthy: ${fine.length} releases, ${falseAlarms.length} rolled back (at most ${limit.toFixed(1)} expected)`,
);
for (const { cause, step } of falseAlarms) console.log(`  ${cause} at step ${step + 1}`);

console.log("\nfault                  start   found  median delay (min)  requests hit (median)  at step");
const each = Math.ceil(faultyCount / (2 * faults.length));
for (const fault of faults)
  for (const late of [false, true]) {
    const outcomes = Array.from({ length: each }, (_, i) => rollOut(9_000 + i, fault, late));
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
console.log(`\n${((performance.now() - startedAt) / 1_000).toFixed(1)} s`);
