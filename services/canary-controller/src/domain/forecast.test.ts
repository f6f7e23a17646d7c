import { assert, describe, it } from "@effect/vitest";
import { type CanaryForecast, mergedBins, Policy, timestampOf } from "@sluice/contracts";
import { forecastRelease, type RecentTraffic } from "@sluice/forecast";
import { randomSource } from "@sluice/statistics";
import * as Schema from "effect/Schema";
import { evaluateCanary } from "./evaluate-canary.ts";
import { sumOf } from "./metric-run.ts";
import { healthy, simulatedWindow } from "./simulated-windows.fixture.ts";
import { unitsOf } from "./units.ts";

const policyWith = (canary: Record<string, unknown> = {}) => Schema.decodeUnknownSync(Policy)({ canary });
const policy = policyWith();
const MINUTES = 30;

/** Half an hour of an application's traffic before the release: all of it on the baseline. */
const recent = (requestsPerMinute: number): RecentTraffic => {
  const random = randomSource(3);
  const behaviours = { baseline: healthy, candidate: healthy };
  const traffic = { requestsPerWindow: requestsPerMinute / 0.99, judgedShare: 0.1 };
  const windows = Array.from(
    { length: MINUTES },
    (_, i) => simulatedWindow(random, i, 0, policy.canary, traffic, behaviours).baseline,
  );
  return {
    from: timestampOf(0),
    to: timestampOf(MINUTES * 60_000),
    requests: sumOf(windows, (window) => window.requests),
    units: sumOf(windows, (window) => unitsOf(window).n),
    errors: sumOf(windows, (window) => window.errors),
    answered: sumOf(windows, (window) => window.answered),
    refusals: sumOf(windows, (window) => window.refusals),
    latencyBins: mergedBins(windows.map((window) => window.latencyBins)),
    quality: {
      n: sumOf(windows, ({ quality }) => quality.n),
      sum: sumOf(windows, ({ quality }) => quality.sum),
      sumSquares: sumOf(windows, ({ quality }) => quality.sumSquares),
    },
  };
};

const forecastOf = (traffic: RecentTraffic | null, of = policy): CanaryForecast => {
  const answer = forecastRelease(of, traffic);
  return answer._tag === "Forecast" ? answer.forecast : assert.fail(answer.sentence);
};
const metricOf = (requestsPerMinute: number, check: string) =>
  forecastOf(recent(requestsPerMinute)).metrics.find((metric) => metric.check === check) ?? assert.fail(check);

describe("the forecast of a rollout", () => {
  it("says what can be seen by the end of each step, and more traffic sees more", () => {
    const errors = metricOf(300, "errorRate");
    assert.strictEqual(errors.detectable.length, 4);
    const [first = 1, second = 1, third = 1] = errors.detectable.map((effect) => effect ?? 1);
    assert.isTrue(first > second && second > third && third > 0.02);
    assert.match(errors.sentence, /^At [\d.]+ requests a minute this rollout sees errors \d\.\d\d % → \d\.\d\d % with/);
    assert.isBelow(metricOf(3_000, "errorRate").detectable[2] ?? 1, third);
  });

  it("covers each metric that the traffic tells something about, and tells scores that nobody has given as such", () => {
    const traffic = recent(300);
    assert.deepStrictEqual(
      forecastOf(traffic).metrics.map(({ check }) => check),
      ["errorRate", "refusalRate", "latencyP95", "quality"],
    );
    const unjudged = forecastOf({ ...traffic, quality: { n: 0, sum: 0, sumSquares: 0 } });
    assert.match(unjudged.metrics.at(-1)?.sentence ?? "", /Nobody has scored recent answers/);
  });

  it("keeps learning at the last step where users are held back", () => {
    const detectable = (finalHoldback: number) =>
      forecastOf(recent(300), policyWith({ finalHoldback })).metrics[0]?.detectable ?? [];
    const [without, held] = [detectable(0), detectable(0.05)];
    assert.strictEqual(without[3], without[2]);
    assert.isBelow(held[3] ?? 1, held[2] ?? 0);
  });

  it("names what cannot be seen as policy asks, and a step that would wait for its requests until its deadline", () => {
    const quiet = forecastOf(recent(10));
    assert.strictEqual(quiet.outcome, "unseen");
    assert.deepStrictEqual(
      quiet.steps.map(({ enoughRequests }) => enoughRequests),
      [false, true, true, true],
    );
    assert.match(quiet.sentence, /Step 1 would not have its 100 requests by its deadline/);
    assert.match(quiet.sentence, /^At [\d.]+ requests a minute \d of the metrics cannot be seen as policy asks\./);
    assert.strictEqual(forecastOf(recent(3_000)).outcome, "seen");
    assert.strictEqual(forecastOf(null).outcome, "unseen");
  });

  it("asks nothing of a metric that decides nothing", () => {
    const metrics = { quality: { mode: "warn" }, errorRate: { mustDetect: null } };
    const told = forecastOf(recent(300), policyWith({ metrics })).metrics;
    assert.deepStrictEqual(
      told.map(({ mustDetect }) => mustDetect === null),
      [true, false, false, true],
    );
  });

  it("refuses where policy says so, with the figures", () => {
    const refusing = policyWith({ forecast: { whenUnseen: "refuse" } });
    const answer = forecastRelease(refusing, recent(10));
    assert.match(
      answer._tag === "Refused" ? answer.sentence : "",
      /It cannot see errors \d\.\d\d % → \d\.\d\d %.*policy refuses/,
    );
    assert.strictEqual(forecastRelease(refusing, null)._tag, "Refused");
    assert.strictEqual(forecastRelease(refusing, recent(3_000))._tag, "Forecast");
  });

  it("makes the hold of the step before the last as long as is needed, and no longer than policy allows", () => {
    const steps = [0.05, 0.25, 1].map((share) => ({ share, holdSeconds: 600, minRequests: 20 }));
    const extending = policyWith({ steps, forecast: { whenUnseen: "extend" } });
    const answer = forecastRelease(extending, recent(60));
    if (answer._tag !== "Forecast") assert.fail(answer.sentence);
    const { extended, outcome, metrics } = answer.forecast;
    assert.strictEqual(outcome, "extended");
    assert.isTrue(metrics.every(({ seen }) => seen));
    assert.strictEqual(answer.policy.canary.steps[1]?.holdSeconds, extended?.toSeconds);
    assert.isAbove(extended?.toSeconds ?? 0, 600);
    // Five minutes less would not have been enough.
    const shorter = steps.map((step, i) =>
      i === 1 ? { ...step, holdSeconds: (extended?.toSeconds ?? 0) - 300 } : step,
    );
    assert.strictEqual(forecastOf(recent(60), policyWith({ steps: shorter })).outcome, "unseen");
    const bounded = policyWith({ steps, forecast: { whenUnseen: "extend", maxHoldSeconds: 700 } });
    const refusal = forecastRelease(bounded, recent(60));
    assert.match(refusal._tag === "Refused" ? refusal.sentence : "", /no hold of at most 700 s .* at step 2/);
  });

  it("is borne out by simulation: what it promises is found about as often (error rate of this test: 0.3 %)", () => {
    const effect = metricOf(300, "errorRate").detectable[2] ?? 1;
    const rollouts = 60;
    const found = Array.from({ length: rollouts }, (_, seed) => {
      const random = randomSource(100 + seed);
      const behaviours = { baseline: healthy, candidate: { ...healthy, errorRate: effect } };
      const traffic = { requestsPerWindow: 300, judgedShare: 0.1 };
      const windows = Array.from({ length: 90 }, (__, i) =>
        simulatedWindow(random, i, Math.floor(i / 30), policy.canary, traffic, behaviours),
      );
      return evaluateCanary(policy.canary, windows, 2)?.breach !== null;
    }).filter(Boolean).length;
    // 0.8 promised; the forecast's own inaccuracy in time is some 15 per cent.
    assert.isAtLeast(found / rollouts, 0.8 - 3 * Math.sqrt((0.8 * 0.2) / rollouts));
  });
});
