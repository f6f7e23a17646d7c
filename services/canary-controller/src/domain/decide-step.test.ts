import { assert, describe, it } from "@effect/vitest";
import { type CanaryEvidence, Policy, type ReleaseEvent, timestampOf } from "@sluice/contracts";
import type { Release } from "@sluice/release";
import { at, event, wayTo } from "@sluice/release/testing/samples";
import { stateAfter } from "@sluice/release/testing/scenario";
import { randomSource } from "@sluice/statistics";
import * as Schema from "effect/Schema";
import { decideStep, type StepDecision, type StepFacts } from "./decide-step.ts";
import type { CanaryEvaluation } from "./evaluate-canary.ts";
import { healthy, simulatedWindow } from "./simulated-windows.fixture.ts";

const policyWith = (canary: Record<string, unknown>): Policy =>
  Schema.decodeUnknownSync(Policy)({
    canary: {
      steps: [
        { share: 0.1, holdSeconds: 600, minRequests: 100 },
        { share: 1, holdSeconds: 600, minRequests: 100 },
      ],
      holdDeadlineSeconds: 1_200,
      ...canary,
    },
  });

/** A release whose first step began at second 100: its hold ends at 700, its deadline is 1,900. */
const inStep = (events: ReadonlyArray<ReleaseEvent> = [], canary: Record<string, unknown> = {}): Release => {
  const way = wayTo("rel-1", { policy: policyWith(canary) });
  const started = event("CanaryStepStarted", { step: 0, share: 0.1, at: at(100) });
  const { active } = stateAfter(event("ApplicationRegistered"), way.shadowPassed, started, events);
  if (!active) throw new Error("no active release");
  return active;
};

/** An evaluation whose windows reach to `to`, without anything wrong. */
const evaluatedTo = (to: number, changes: Partial<CanaryEvidence> = {}): CanaryEvaluation => ({
  evidence: {
    step: 0,
    window: { from: at(60), to: at(to) },
    windows: [],
    requests: { baseline: 900, candidate: 100 },
    checks: [],
    combined: { logE: 0, logThreshold: Math.log(100), alpha: 0.01 },
    concurrentBaseline: true,
    sentence: "fine",
    ...changes,
  },
  breach: null,
  hold: null,
});

const decide = (facts: Partial<StepFacts>, seconds: number): StepDecision =>
  decideStep({ release: inStep(), evaluation: null, fault: null, ...facts, now: at(seconds) });

const inWords = (decision: StepDecision): string => {
  switch (decision._tag) {
    case "hold":
      return `hold ${decision.cause}: ${decision.waitsFor}`;
    case "breach":
      return `breach ${decision.cause}: ${decision.sentence}`;
    default:
      return decision._tag;
  }
};

describe("a canary step", () => {
  it("advances when hold, windows and requests are all there, and on that evidence", () => {
    const evaluation = evaluatedTo(720);
    assert.deepStrictEqual(decide({ evaluation }, 725), { _tag: "advance", evidence: evaluation.evidence });
  });

  it("waits silently until its hold is over", () => {
    assert.strictEqual(inWords(decide({ evaluation: evaluatedTo(660) }, 665)), "wait");
    assert.strictEqual(inWords(decide({}, 101)), "wait");
  });

  it("is delayed by a late analysis: the judged windows must reach the end of the hold", () => {
    assert.strictEqual(inWords(decide({ evaluation: evaluatedTo(660) }, 725)), "wait");
    assert.strictEqual(inWords(decide({ evaluation: evaluatedTo(720) }, 780)), "advance");
  });

  it("holds for requests that either arm lacks, and says how many", () => {
    const few = evaluatedTo(720, { requests: { baseline: 20, candidate: 3 } });
    assert.strictEqual(
      inWords(decide({ evaluation: few }, 725)),
      "hold no-data: 97 more requests on the candidate and 80 more requests on the baseline",
    );
    assert.strictEqual(
      inWords(decide({}, 725)),
      "hold no-data: 100 more requests on the candidate and 100 more requests on the baseline",
    );
  });

  it("asks for no baseline requests at share 1", () => {
    const lastStep = inStep(
      [event("CanaryStepPassed", { at: at(700) }), event("CanaryStepStarted", { step: 1, share: 1, at: at(700) })],
      {},
    );
    const evaluation = evaluatedTo(1_320, { step: 1, requests: { baseline: 0, candidate: 500 } });
    assert.strictEqual(inWords(decide({ release: lastStep, evaluation }, 1_330)), "advance");
  });

  it("holds at once on a fault, whatever the time", () => {
    const fault = { cause: "query-failed", waitsFor: "the telemetry store to answer" } as const;
    const decision = decide({ fault, evaluation: evaluatedTo(300) }, 305);
    assert.strictEqual(inWords(decision), "hold query-failed: the telemetry store to answer");
    assert.strictEqual(decision._tag === "hold" && decision.until, at(1_900));
    assert.strictEqual(
      inWords(decide({ fault, evaluation: evaluatedTo(720) }, 725)),
      `hold query-failed: ${fault.waitsFor}`,
    );
  });

  it("holds on what the evaluation holds on", () => {
    const hold = { cause: "sample-ratio-mismatch", waitsFor: "an assignment that can be trusted" } as const;
    const evaluation = { ...evaluatedTo(720), hold };
    assert.strictEqual(inWords(decide({ evaluation }, 725)), `hold ${hold.cause}: ${hold.waitsFor}`);
  });

  it("says the same hold once, and another cause again", () => {
    const held = inStep([event("CanaryHeld", { cause: "no-data", at: at(702) })]);
    const few = evaluatedTo(720, { requests: { baseline: 900, candidate: 4 } });
    assert.strictEqual(inWords(decide({ release: held, evaluation: few }, 725)), "wait");
    const fault = { cause: "watermark-behind", waitsFor: "gateway gw-2" } as const;
    assert.strictEqual(
      inWords(decide({ release: held, evaluation: few, fault }, 726)),
      "hold watermark-behind: gateway gw-2",
    );
    assert.strictEqual(inWords(decide({ release: held, evaluation: evaluatedTo(780) }, 785)), "advance");
  });

  it("ends a hold whose cause is gone, once a window that closed after it began has been judged", () => {
    const held = inStep([event("CanaryHeld", { cause: "query-failed", at: at(302) })]);
    const fault = { cause: "query-failed", waitsFor: "the telemetry store to answer" } as const;
    const ends = (facts: Partial<StepFacts>, seconds: number) => inWords(decide({ release: held, ...facts }, seconds));
    assert.strictEqual(ends({ evaluation: evaluatedTo(360), fault }, 365), "wait");
    assert.strictEqual(ends({ evaluation: evaluatedTo(300) }, 310), "wait");
    assert.strictEqual(ends({ evaluation: evaluatedTo(360) }, 365), "end-hold");
    // What it lacks besides is no hold yet: it has had no time for it.
    const few = evaluatedTo(360, { requests: { baseline: 900, candidate: 4 } });
    assert.strictEqual(ends({ evaluation: few }, 365), "end-hold");
    assert.strictEqual(inWords(decide({ evaluation: evaluatedTo(360) }, 365)), "wait");
    // With its time over, what it lacks is a hold of its own, and with nothing lacking it advances.
    assert.match(
      ends({ evaluation: evaluatedTo(720, few.evidence && { requests: few.evidence.requests }) }, 725),
      /^hold no-data/,
    );
    assert.strictEqual(ends({ evaluation: evaluatedTo(720) }, 725), "advance");
    const paused = inStep([
      event("CanaryHeld", { cause: "query-failed", at: at(302) }),
      event("ReleasePaused", { at: at(303) }),
    ]);
    assert.strictEqual(inWords(decide({ release: paused, evaluation: evaluatedTo(720) }, 725)), "end-hold");
  });

  it("has as long as before for what it lacks after a pause", () => {
    const resumed = inStep([
      event("CanaryHeld", { cause: "no-data", at: at(702), until: at(1_900) }),
      event("ReleasePaused", { at: at(1_000) }),
      event("ReleaseResumed", { at: at(5_000) }),
    ]);
    const few = evaluatedTo(5_000, { requests: { baseline: 900, candidate: 4 } });
    assert.strictEqual(resumed.hold?.until, at(5_900));
    assert.strictEqual(inWords(decide({ release: resumed, evaluation: few }, 5_010)), "wait");
    assert.match(inWords(decide({ release: resumed, evaluation: few }, 5_900)), /^breach hold-deadline/);
  });

  it("tells causes that come and go ever more rarely, each with its evidence", () => {
    const causes = ["no-data", "watermark-behind"] as const;
    const events: Array<ReleaseEvent> = [];
    for (let seconds = 702; seconds < 1_900; seconds++) {
      const fault = { cause: causes[seconds % 2] ?? "no-data", waitsFor: "something" };
      const decision = decide({ release: inStep(events), evaluation: evaluatedTo(720), fault }, seconds);
      if (decision._tag !== "hold") continue;
      assert.isNotNull(decision.evidence);
      const eventId = `held-${seconds}`;
      events.push(event("CanaryHeld", { eventId, cause: decision.cause, at: at(seconds), until: decision.until }));
    }
    assert.isAtLeast(events.length, 5);
    assert.isAtMost(events.length, 10);
  });

  it("is rolled back at its deadline, naming what never came", () => {
    const few = evaluatedTo(1_860, { requests: { baseline: 900, candidate: 4 } });
    assert.strictEqual(
      inWords(decide({ evaluation: few }, 1_900)),
      `breach hold-deadline: Step 1 of 2 has waited until its deadline (${at(1_900)}) for 96 more requests on the candidate.`,
    );
    const silent = { cause: "watermark-behind", waitsFor: "observations of gateway gw-2" } as const;
    assert.match(
      inWords(decide({ fault: silent }, 1_900)),
      /^breach hold-deadline: .* for observations of gateway gw-2\.$/,
    );
  });

  it("advances rather than ends when everything is there at its deadline", () => {
    assert.strictEqual(inWords(decide({ evaluation: evaluatedTo(1_920) }, 1_930)), "advance");
  });

  it("breaches in every state: within its hold, held, paused", () => {
    const breach = { cause: "metric", sentence: "errors 9 % against 1 %", since: at(180) } as const;
    const evaluation = { ...evaluatedTo(240), breach };
    const paused = inStep([event("ReleasePaused", { at: at(150) })]);
    const held = inStep([event("CanaryHeld", { cause: "query-failed", at: at(150) })]);
    const fault = { cause: "watermark-behind", waitsFor: "gateway gw-2" } as const;
    for (const release of [inStep(), paused, held])
      assert.strictEqual(inWords(decide({ release, evaluation, fault }, 245)), "breach metric: errors 9 % against 1 %");
  });

  it("neither advances nor runs into its deadline while it is paused", () => {
    const paused = inStep([event("ReleasePaused", { at: at(150) })]);
    assert.strictEqual(inWords(decide({ release: paused, evaluation: evaluatedTo(720) }, 725)), "wait");
    assert.strictEqual(inWords(decide({ release: paused, evaluation: evaluatedTo(5_040) }, 5_050)), "wait");
    const resumed = inStep([event("ReleasePaused", { at: at(150) }), event("ReleaseResumed", { at: at(5_060) })]);
    assert.strictEqual(inWords(decide({ release: resumed, evaluation: evaluatedTo(5_040) }, 5_061)), "advance");
  });

  it("skips the rest of its hold for an operator, but none of its checks", () => {
    const skipped = inStep([event("HoldSkipped", { step: 0, at: at(200) })]);
    assert.strictEqual(inWords(decide({ release: skipped, evaluation: evaluatedTo(240) }, 245)), "advance");
    const few = evaluatedTo(240, { requests: { baseline: 900, candidate: 4 } });
    assert.match(inWords(decide({ release: skipped, evaluation: few }, 245)), /^hold no-data: 96 more/);
    assert.match(inWords(decide({ release: skipped }, 245)), /^hold no-data/);
  });

  it("does not advance when nobody judges, or when no safety probe was answered", () => {
    const random = randomSource(1);
    const window = simulatedWindow(
      random,
      0,
      0,
      policyWith({}).canary,
      { requestsPerWindow: 2_000, judgedShare: 0 },
      { baseline: healthy, candidate: healthy },
    );
    const evaluation = evaluatedTo(720, { windows: [window], requests: { baseline: 1_800, candidate: 200 } });
    assert.match(
      inWords(decide({ evaluation }, 725)),
      /^hold judge-down: the judge: none of \d+ answers has been scored$/,
    );
    const judgeReport = { reportOnly: true, reason: "nobody compared it", calibration: null, orders: null };
    const reported = evaluatedTo(720, { ...evaluation.evidence, judgeReport });
    assert.strictEqual(inWords(decide({ evaluation: reported }, 725)), "advance");
    const unjudged = { metrics: { quality: { sampleRate: 0 } } };
    const probed = {
      ...unjudged,
      safetyProbes: { set: `sha256:${"c".repeat(64)}`, perMinute: 6, confirmations: 1 },
    };
    assert.strictEqual(inWords(decide({ release: inStep([], unjudged), evaluation }, 725)), "advance");
    assert.match(
      inWords(decide({ release: inStep([], probed), evaluation }, 725)),
      /^hold no-data: a judged safety probe/,
    );
  });

  it("still breaches when its windows have outgrown an event, and never advances then", () => {
    const random = randomSource(1);
    const { canary } = policyWith({});
    const behaviours = { baseline: healthy, candidate: healthy };
    const window = simulatedWindow(random, 0, 0, canary, { requestsPerWindow: 2_000, judgedShare: 0.1 }, behaviours);
    const large = evaluatedTo(720, { windows: Array.from({ length: 2_500 }, () => window) });
    assert.match(inWords(decide({ evaluation: large }, 725)), /^hold query-failed: .*choose a longer windowSeconds$/);
    const breach = { cause: "metric", sentence: "errors", since: at(180) } as const;
    const decision = decide({ evaluation: { ...large, breach } }, 725);
    assert.deepStrictEqual(decision, { _tag: "breach", ...breach, evidence: null });
  });

  it("never advances on less than complete evidence, whatever the instant", () => {
    const release = inStep();
    for (let seconds = 100; seconds < 4_000; seconds += 50)
      for (const reach of [null, 160, 660, 700, 720, seconds])
        for (const candidate of [0, 99, 100]) {
          const requests = { baseline: 900, candidate };
          const evaluation = reach === null ? null : evaluatedTo(reach, { requests });
          const advanced = decide({ release, evaluation }, seconds)._tag === "advance";
          const complete = seconds >= 700 && reach !== null && reach >= 700 && candidate >= 100;
          assert.strictEqual(advanced, complete, `${timestampOf(seconds * 1_000)} ${reach} ${candidate}`);
        }
  });
});
