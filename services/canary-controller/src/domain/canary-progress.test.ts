import { assert, it } from "@effect/vitest";
import { CanaryProgress, Policy, type ReleaseEvent } from "@sluice/contracts";
import { at, event, wayTo } from "@sluice/release/testing/samples";
import { stateAfter } from "@sluice/release/testing/scenario";
import { randomSource } from "@sluice/statistics";
import * as Schema from "effect/Schema";
import { canaryProgressOf } from "./canary-progress.ts";
import { evaluateCanary } from "./evaluate-canary.ts";
import { healthy, simulatedWindow } from "./simulated-windows.fixture.ts";

const registered = event("ApplicationRegistered");
const way = wayTo();
const inCanary = (...events: ReadonlyArray<ReleaseEvent>) => {
  const { active } = stateAfter(registered, way.canary, ...events);
  if (!active) throw new Error("no release is active");
  return active;
};

it("before its first window a step waits for its hold and for all of its requests, and nobody knows until when", () => {
  const progress = canaryProgressOf({ release: inCanary(), now: at(110), evaluation: null, fault: null });
  assert.deepStrictEqual(progress.waitsFor, [
    `the hold until ${at(160)}`,
    "10 more requests on the candidate",
    "10 more requests on the baseline",
  ]);
  assert.isNull(progress.readyAt);
  assert.strictEqual(progress.holdEndsAt, at(160));
  assert.deepStrictEqual(Schema.decodeUnknownSync(CanaryProgress)(progress), progress);
});

it("a fault comes first among what it waits for; a pause takes the deadline away", () => {
  const paused = inCanary(event("ReleasePaused", { at: at(105) }));
  const fault = { cause: "query-failed", waitsFor: "the telemetry store to answer" } as const;
  const progress = canaryProgressOf({ release: paused, now: at(110), evaluation: null, fault });
  assert.match(progress.waitsFor[0] ?? "", /an operator to resume/);
  assert.strictEqual(progress.waitsFor[1], fault.waitsFor);
  assert.isNull(progress.deadline);
});

const policy = Schema.decodeUnknownSync(Policy)({
  canary: {
    windowSeconds: 60,
    steps: [
      { share: 0.1, holdSeconds: 120, minRequests: 400 },
      { share: 1, holdSeconds: 120, minRequests: 400 },
    ],
    metrics: { errorRate: { ceiling: 0.05 } },
  },
});

it("from its windows: each check with its limit, and when the requests will be enough at the present rate", () => {
  const random = randomSource(3);
  const traffic = { requestsPerWindow: 1_000, judgedShare: 0.1 };
  const windows = [0, 1].map((i) =>
    simulatedWindow(random, i, 0, policy.canary, traffic, { baseline: healthy, candidate: healthy }),
  );
  const started = event("CanaryStepStarted", { step: 0, share: 0.1, at: windows[0]?.from ?? "" });
  const { active } = stateAfter(registered, wayTo("rel-1", { policy }).shadowPassed, started);
  const evaluation = evaluateCanary(policy.canary, windows, 0);
  assert.isTrue(active !== null && evaluation !== null);
  if (!active || !evaluation) return;
  const now = evaluation.evidence.window.to;
  const progress = canaryProgressOf({ release: active, now, evaluation, fault: null });
  assert.strictEqual(progress.windows, 2);
  const errorRate = progress.checks.find(({ check }) => check === "errorRate");
  assert.strictEqual(errorRate?.ceiling, 0.05);
  assert.strictEqual(errorRate?.limit, "no worse than the baseline; at most 5 %");
  assert.isNotNull(errorRate?.candidate.value);
  // 2 minutes gave about 200 of 400: about as long again.
  const secondsLeft = (Date.parse(progress.readyAt ?? "") - Date.parse(now)) / 1_000;
  const expected = (120 * (400 - progress.requests.candidate)) / progress.requests.candidate;
  assert.closeTo(secondsLeft, expected, 0.001);
  assert.deepStrictEqual(Schema.decodeUnknownSync(CanaryProgress)(progress), progress);
});
