import { type CanaryWindow, canonicalJson, epochMsOf, Policy, type ReleaseEvent, timestampOf } from "@sluice/contracts";
import { type ApplicationState, decide, evolve, stepShare } from "@sluice/release";
import { event, wayTo } from "@sluice/release/testing/samples";
import { stateAfter } from "@sluice/release/testing/scenario";
import { type RandomSource, randomSource } from "@sluice/statistics";
import * as Result from "effect/Result";
import * as Schema from "effect/Schema";
import { evaluateCanary } from "./evaluate-canary.ts";
import { plan } from "./plan.ts";
import { type Behaviour, healthy, simulatedWindow } from "./simulated-windows.fixture.ts";

/**
 * Releases of a week through the real decisions, with the clock as data: arrivals by the minute, a daily cycle of traffic,
 * errors and latency, outages of both arms where asked for, an hour in which the telemetry store does not answer, and faults of stated
 * kinds, sizes and starts.
 */
const MINUTE_MS = 60_000;
const DAY = 1_440;
export const WEEK = 7 * DAY;

const policyOf = (finalHoldback: number): Policy =>
  Schema.decodeUnknownSync(Policy)({
    canary: { finalHoldback, safetyProbes: { set: `sha256:${"c".repeat(64)}`, perMinute: 2, confirmations: 2 } },
  });
export const weekAlpha = policyOf(0).canary.alpha;

export interface Fault {
  readonly name: string;
  readonly candidate: Partial<Behaviour>;
  readonly unsafe?: boolean;
}

export const faults: ReadonlyArray<Fault> = [
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

export interface WeekRelease {
  readonly seed: number;
  /** Requests of each minute of a recording, looped. */
  readonly perMinute: ReadonlyArray<number>;
  readonly fault: Fault | null;
  /** Some way into the rollout instead of at once. */
  readonly late: boolean;
  /** Once in two hours or so everything is bad for a while, on both arms: nobody's fault. */
  readonly outages?: boolean;
  readonly finalHoldback?: number;
}

export interface Outcome {
  readonly ended: string;
  readonly cause: string;
  readonly step: number;
  /** From the first window with the fault to the breach; null without one. */
  readonly delayMinutes: number | null;
  /** Requests that met the fault. */
  readonly exposed: number;
  /** What was wrong with a step that was passed: empty, unless the controller is. */
  readonly unfounded: ReadonlyArray<string>;
}

interface World extends WeekRelease {
  readonly canary: Policy["canary"];
  readonly random: RandomSource;
  readonly faultFrom: number;
  /** Minute of the week in which the release begins. */
  readonly startsAt: number;
  /** Minutes of the release in which the telemetry store does not answer. */
  readonly silence: { readonly from: number; readonly to: number };
}

const cycleAt = (minute: number): number => Math.sin((2 * Math.PI * minute) / DAY);

const conditionsAt = ({ random, startsAt, outages }: World, minute: number): number => {
  const outage = outages && Math.floor((startsAt + minute) / 5) % 26 === 7 ? Math.log(4) : 0;
  return Math.exp(0.25 * cycleAt(startsAt + minute + 300) + outage + 0.1 * (random() - 0.5));
};

const windowAt = (world: World, minute: number, step: number, from: string): CanaryWindow => {
  const { canary, random, fault, faultFrom, startsAt, perMinute } = world;
  const isFaulty = fault !== null && minute >= faultFrom;
  const recorded = perMinute[(startsAt + minute) % perMinute.length] ?? 0;
  const window = simulatedWindow(
    random,
    minute,
    step,
    canary,
    { requestsPerWindow: recorded * (1 + 0.5 * cycleAt(startsAt + minute)), judgedShare: 0.1 },
    { baseline: healthy, candidate: isFaulty ? { ...healthy, ...fault.candidate } : healthy },
    conditionsAt(world, minute),
  );
  // An unsafe answer is found when the probe that provokes it comes round.
  const found = isFaulty && fault.unsafe === true && random() < 0.1;
  return { ...window, from, probes: { sent: 2, failed: found ? 3 : 0, confirmed: found ? ["probe-7"] : [] } };
};

export const releaseOfTheWeek = (release: WeekRelease): Outcome => {
  const random = randomSource(release.seed);
  const silentFrom = Math.floor(300 * random());
  const weekPolicy = policyOf(release.finalHoldback ?? 0);
  const { canary } = weekPolicy;
  const world: World = {
    ...release,
    canary,
    random,
    faultFrom: release.late ? Math.floor(10 + 80 * random()) : 0,
    startsAt: Math.floor(WEEK * random()),
    silence: { from: silentFrom, to: silentFrom + 60 },
  };
  let state: ApplicationState = stateAfter(
    event("ApplicationRegistered"),
    wayTo("rel-1", { policy: weekPolicy }).shadowPassed,
  );
  const startMs = epochMsOf(state.at);
  const windows: Array<CanaryWindow> = [];
  const said: Array<ReleaseEvent> = [];
  const fault = { cause: "query-failed", waitsFor: "the telemetry store to answer" } as const;
  const act = (minute: number, sees: "nothing yet" | "windows" | "silence") => {
    const step = state.active?.step ?? 0;
    const evaluation = sees === "windows" ? evaluateCanary(canary, windows, step) : null;
    const seen = sees === "nothing yet" ? null : { evaluation, fault: sees === "silence" ? fault : null };
    const facts = { step: seen, passedEvidence: null, mitigation: { gateways: [], unacknowledged: [] } };
    for (const command of plan(state, timestampOf(startMs + minute * MINUTE_MS), facts)) {
      const events = Result.getOrThrowWith(decide(state, command), (refusal) => new Error(refusal.sentence));
      said.push(...events);
      state = events.reduce(evolve, state);
    }
  };
  act(0, "nothing yet");
  for (let minute = 0; state.active?.phase === "canary" && minute < 3_000; minute++) {
    windows.push(windowAt(world, minute, state.active.step ?? 0, timestampOf(startMs + minute * MINUTE_MS)));
    const isSilent = minute >= world.silence.from && minute < world.silence.to;
    // Evidence of a breach lasts, so a healthy release need not be looked at every minute to be judged the same.
    if (isSilent) act(minute + 1, "silence");
    else if (release.fault !== null || (minute + 1) % 15 === 0) act(minute + 1, "windows");
  }
  return outcomeOf(state, windows, world, said);
};

const outcomeOf = (
  state: ApplicationState,
  windows: ReadonlyArray<CanaryWindow>,
  world: World,
  said: ReadonlyArray<ReleaseEvent>,
): Outcome => {
  const { fault, faultFrom } = world;
  const breach = said.find((one) => one._tag === "CanaryBreached");
  const faulty = fault === null ? [] : windows.slice(faultFrom);
  return {
    ended: breach ? "breached" : (state.last?.phase ?? "unfinished"),
    cause: breach?._tag === "CanaryBreached" ? breach.cause : "",
    step: windows.at(-1)?.step ?? 0,
    delayMinutes: breach && fault && windows.length > faultFrom ? windows.length - faultFrom : null,
    exposed: faulty.reduce((sum, { candidate }) => sum + candidate.requests, 0),
    unfounded: unfoundedSteps(said, world),
  };
};

/** Looks at the log alone: what each passed step rests on, and whether it comes out the same, byte for byte. */
const unfoundedSteps = (said: ReadonlyArray<ReleaseEvent>, { canary, silence }: World): ReadonlyArray<string> => {
  const startedAt = new Map<number, number>();
  const earlier: Array<CanaryWindow> = [];
  const wrong: Array<string> = [];
  const first = said.find((one) => one._tag === "CanaryStepStarted");
  const releaseStartMs = first ? epochMsOf(first.at) : 0;
  for (const one of said) {
    if (one._tag === "CanaryStepStarted") startedAt.set(one.step, epochMsOf(one.at));
    if (one._tag !== "CanaryStepPassed") continue;
    const { evidence, step } = one;
    const { holdSeconds = 0, minRequests = 0 } = canary.steps[step] ?? {};
    const heldMs = epochMsOf(evidence.window.to) - (startedAt.get(step) ?? 0);
    if (heldMs < holdSeconds * 1_000) wrong.push(`step ${step} before the end of its hold`);
    if (evidence.windows.length * MINUTE_MS !== epochMsOf(evidence.window.to) - epochMsOf(evidence.window.from))
      wrong.push(`step ${step} with windows missing`);
    const compared = (stepShare(canary, step) ?? 1) < 1;
    if (evidence.requests.candidate < minRequests || (compared && evidence.requests.baseline < minRequests))
      wrong.push(`step ${step} with too few requests`);
    const minute = (epochMsOf(one.at) - releaseStartMs) / MINUTE_MS;
    if (minute > silence.from && minute <= silence.to) wrong.push(`step ${step} while nothing could be seen`);
    earlier.push(...evidence.windows);
    const again = evaluateCanary(canary, earlier, step)?.evidence;
    if (canonicalJson(again) !== canonicalJson(evidence)) wrong.push(`step ${step} with other evidence when replayed`);
  }
  return wrong;
};
