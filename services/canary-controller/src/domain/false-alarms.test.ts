import { assert, describe, it } from "@effect/vitest";
import { type CanaryWindow, Policy } from "@sluice/contracts";
import { randomSource } from "@sluice/statistics";
import * as Schema from "effect/Schema";
import { clusteredRelease } from "./clustered-windows.fixture.ts";
import { evaluateCanary } from "./evaluate-canary.ts";
import { type Behaviour, healthy, simulatedWindow } from "./simulated-windows.fixture.ts";

// Alpha is large here, so that a few hundred rollouts can tell whether it holds.
const ALPHA = 0.1;
const WINDOWS_PER_STEP = 10;
const policyWith = (alpha: number): Policy["canary"] =>
  Schema.decodeUnknownSync(Policy)({
    canary: { alpha, steps: [0.1, 0.3, 1].map((share) => ({ share, holdSeconds: 600, minRequests: 20 })) },
  }).canary;
const policy = policyWith(ALPHA);

/** A rollout of three steps with a daily cycle and noise from window to window, evaluated once at its end. */
const breaches = (seed: number, candidate: Behaviour): boolean => {
  const random = randomSource(seed);
  const phase = random() * 2 * Math.PI;
  const windows: ReadonlyArray<CanaryWindow> = Array.from({ length: 3 * WINDOWS_PER_STEP }, (_, i) =>
    simulatedWindow(
      random,
      i,
      Math.floor(i / WINDOWS_PER_STEP),
      policy,
      { requestsPerWindow: 150, judgedShare: 0.2 },
      { baseline: healthy, candidate },
      Math.exp(0.2 * Math.sin(phase + i / 10) + 0.1 * (random() - 0.5)),
    ),
  );
  return evaluateCanary(policy, windows, 2)?.breach !== null;
};

const rateOf = (rollouts: number, seed: number, candidate: Behaviour): number =>
  Array.from({ length: rollouts }, (_, i) => breaches(seed + i, candidate)).filter(Boolean).length / rollouts;

// Seconds of work, and more on a busy machine.
describe("the false-alarm budget of a rollout", { timeout: 60_000 }, () => {
  it("is kept over all metrics, windows and steps together (error rate of this test: 0.2 %)", () => {
    const rollouts = 300;
    const rate = rateOf(rollouts, 1_000, healthy);
    const standardError = Math.sqrt((ALPHA * (1 - ALPHA)) / rollouts);
    assert.isAtMost(rate, ALPHA + 3 * standardError);
  });

  it("is kept where the requests of a conversation share their faults (error rate of this test: 1 %)", () => {
    const [rollouts, alpha] = [300, 0.01];
    const alarms = { byConversation: 0, byRequest: 0 };
    for (let i = 0; i < rollouts; i++) {
      const rollout = clusteredRelease(randomSource(20_000 + i), policyWith(alpha), 400, WINDOWS_PER_STEP);
      for (const view of ["byConversation", "byRequest"] as const)
        if (evaluateCanary(policyWith(alpha), rollout[view], 2)?.breach) alarms[view] += 1;
    }
    const limit = rollouts * alpha + 3 * Math.sqrt(rollouts * alpha * (1 - alpha));
    assert.isAtMost(alarms.byConversation, limit);
    // Counting every request, the same rollouts exceed it: that is why conversations are counted once.
    assert.isAbove(alarms.byRequest, 2 * limit);
  });

  it("leaves enough power to catch an error rate of 20 % each time", () => {
    assert.strictEqual(rateOf(30, 5_000, { ...healthy, errorRate: 0.2 }), 1);
  });
});
