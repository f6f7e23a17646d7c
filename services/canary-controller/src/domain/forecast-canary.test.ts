import { assert, describe, it } from "@effect/vitest";
import { Policy } from "@sluice/contracts";
import { randomSource } from "@sluice/statistics";
import * as Schema from "effect/Schema";
import { evaluateCanary } from "./evaluate-canary.ts";
import { forecastCanary } from "./forecast-canary.ts";
import { healthy, simulatedWindow } from "./simulated-windows.fixture.ts";

const { canary: policy } = Schema.decodeUnknownSync(Policy)({});

/** Half an hour of an application's traffic before the release: all of it on the baseline. */
const recent = (requestsPerWindow: number) => {
  const random = randomSource(3);
  const behaviours = { baseline: healthy, candidate: healthy };
  const traffic = { requestsPerWindow: requestsPerWindow / 0.99, judgedShare: 0.1 };
  return Array.from({ length: 30 }, (_, i) => simulatedWindow(random, i, 0, policy, traffic, behaviours).baseline);
};
const detectable = (requestsPerMinute: number, check: string) =>
  forecastCanary(policy, recent(requestsPerMinute), 60)?.metrics.find((metric) => metric.check === check);

describe("the forecast of a rollout", () => {
  it("says what can be seen by the end of each step, and more traffic sees more", () => {
    const errors = detectable(300, "errorRate");
    if (!errors) throw new Error("no forecast of errors");
    assert.strictEqual(errors.detectable.length, 4);
    const [first = 1, second = 1, third = 1] = errors.detectable.map((effect) => effect ?? 1);
    assert.isTrue(first > second && second > third && third > 0.02);
    assert.match(errors.sentence, /^At [\d.]+ requests a minute this rollout sees errors \d\.\d\d % → \d\.\d\d % with/);
    const busier = detectable(3_000, "errorRate")?.detectable[2] ?? 1;
    assert.isBelow(busier, third);
  });

  it("reckons with steps that last until the candidate has had its requests", () => {
    const forecast = forecastCanary(policy, recent(10), 60);
    assert.isAtLeast(forecast?.steps[0]?.minutes ?? 0, 900);
    assert.strictEqual(forecast?.steps[3]?.minutes, 30);
  });

  it("covers each metric that the traffic tells something about", () => {
    assert.deepStrictEqual(
      forecastCanary(policy, recent(300), 60)?.metrics.map(({ check }) => check),
      ["errorRate", "refusalRate", "latencyP95", "quality"],
    );
    assert.isNull(forecastCanary(policy, [], 60));
  });

  it("is borne out by simulation: what it promises is found about as often (error rate of this test: 0.3 %)", () => {
    const effect = detectable(300, "errorRate")?.detectable[2] ?? 1;
    const rollouts = 60;
    const found = Array.from({ length: rollouts }, (_, seed) => {
      const random = randomSource(100 + seed);
      const behaviours = { baseline: healthy, candidate: { ...healthy, errorRate: effect } };
      const windows = Array.from({ length: 90 }, (__, i) =>
        simulatedWindow(
          random,
          i,
          Math.floor(i / 30),
          policy,
          { requestsPerWindow: 300, judgedShare: 0.1 },
          behaviours,
        ),
      );
      return evaluateCanary(policy, windows, 2)?.breach !== null;
    }).filter(Boolean).length;
    // 0.8 promised; the forecast's own inaccuracy in time is some 15 per cent.
    assert.isAtLeast(found / rollouts, 0.8 - 3 * Math.sqrt((0.8 * 0.2) / rollouts));
  });
});
