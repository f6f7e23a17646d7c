import { assert, it } from "@effect/vitest";
import { ArtifactStore } from "@sluice/artifact-store";
import { digestOf, type JudgeCalibrationRecord, timestampOf } from "@sluice/contracts";
import { randomSource } from "@sluice/statistics";
import * as Effect from "effect/Effect";
import { history, observe, pair, quick, record, run, service, side, watch } from "./shadow-run.fixture.ts";

const PAIRS = 300;
const ALPHA = 0.01;

/** Simulated judge scores of 300 pairs: the baseline's about 0.7, the candidate's lower by `drop`, noise of 0.15 on each. */
const simulatedScores = (seed: number, drop: number) => {
  const random = randomSource(seed);
  const around = (mean: number) => {
    const noise = (random() + random() + random() + random() - 2) * 0.26;
    return Math.round(Math.min(1, Math.max(0, mean + noise)) * 1_000) / 1_000;
  };
  return Array.from({ length: PAIRS }, () => [around(0.7), around(0.7 - drop)] as const);
};

const mean = (values: ReadonlyArray<number>) => values.reduce((sum, value) => sum + value, 0) / values.length;
const squares = (values: ReadonlyArray<number>) => values.reduce((sum, value) => sum + (value - mean(values)) ** 2, 0);

/**
 * The test as docs/statistics.md words it, written plainly from the definitions: every bet and every boundary is computed anew
 * from all earlier differences. The quantile is of the standard normal at 1 − α/4, from a table.
 */
const plainTest = (differences: ReadonlyArray<number>) => {
  const wealth = [0.025, 0.06, 0.15, 0.35].map((effect) =>
    differences.reduce<ReadonlyArray<number>>((path, difference, i) => {
      const earlier = differences.slice(0, i);
      const sd = Math.sqrt(((i === 0 ? 0 : squares(earlier)) + 2.5) / (i + 10));
      return [...path, (path.at(-1) ?? 1) * (1 - Math.min(effect / sd, 0.9) * difference)];
    }, []),
  );
  const eValues = differences.map((_, i) => mean(wealth.map((path) => path[i] ?? 0)));
  const boundary = 2.807033768343811;
  const crossed = differences.some((_, i) => {
    const seen = differences.slice(0, i + 1);
    if (seen.length < 50) return false;
    const variance = (squares(seen) + 1) / (seen.length - 1);
    return (seen.length * mean(seen)) / Math.sqrt(PAIRS * variance) <= -boundary;
  });
  const peakLogE = Math.log(Math.max(1, ...eValues));
  return { peakLogE, rejected: peakLogE >= Math.log(2 / ALPHA) || crossed };
};

const throughShadow = (
  scores: ReturnType<typeof simulatedScores>,
  policy = quick({ minPairs: PAIRS, minRequests: PAIRS }),
) =>
  Effect.gen(function* () {
    const seen = yield* watch;
    yield* service;
    yield* record(...history(policy));
    yield* seen.shadowStarted;
    yield* observe(
      ...scores.map(([baseline, candidate], i) => pair(i, side(String(baseline)), side(String(candidate)))),
    );
    return yield* seen.verdict;
  });

it.live.each([
  ["no change", 1, 0, "ShadowPassed"],
  ["a drop that 300 pairs cannot show", 2, 0.02, "ShadowPassed"],
  ["a gain", 3, -0.1, "ShadowPassed"],
  ["a drop of half a standard deviation", 4, 0.08, "ShadowRegressed"],
  ["a large drop", 5, 0.25, "ShadowRegressed"],
] as const)("300 simulated judge scores give the verdict of the sequential test: %s", ([, seed, drop, expected]) =>
  run(
    Effect.gen(function* () {
      const scores = simulatedScores(seed, drop);
      const plain = plainTest(scores.map(([baseline, candidate]) => candidate - baseline));
      const verdict = yield* throughShadow(scores);
      assert.strictEqual(verdict._tag, plain.rejected ? "ShadowRegressed" : "ShadowPassed");
      assert.strictEqual(verdict._tag, expected);
      if (verdict._tag === "ShadowPassed") {
        assert.strictEqual(verdict.evidence.pairs, PAIRS);
        assert.closeTo(verdict.evidence.logE, plain.peakLogE, 1e-9);
        assert.closeTo(verdict.evidence.meanDifference ?? 9, mean(scores.map(([b, c]) => c - b)), 1e-12);
      }
    }),
  ),
);

const calibration = (judge: string, kappa: number): JudgeCalibrationRecord => {
  const estimate = (value: number) => ({ value, interval: { low: value - 0.1, high: value + 0.1, confidence: 0.95 } });
  return {
    kind: "judge-calibration",
    version: 1,
    judge,
    specification: quick().judge,
    rows: digestOf("rows"),
    calibratedAt: timestampOf(0),
    n: 120,
    judgeErrors: 0,
    agreement: estimate(0.7),
    kappa: estimate(kappa),
  };
};
const worse = simulatedScores(5, 0.25);

it.live(
  "a judge that nobody has compared with people may be set to report: the shadow then passes on counts and says so",
  () =>
    run(
      Effect.gen(function* () {
        const policy = quick({ minPairs: PAIRS, minRequests: PAIRS });
        const judgeTrust = { ...policy.judgeTrust, uncalibrated: "report-only" } as const;
        const verdict = yield* throughShadow(worse, { ...policy, judgeTrust });
        assert.strictEqual(verdict._tag, "ShadowPassed");
        assert.deepInclude(verdict.evidence.judgeReport, { reportOnly: true, calibration: null });
        assert.isAtLeast(verdict.evidence.logE, verdict.evidence.logThreshold);
        assert.match(verdict.evidence.sentence, /^Passed on counts alone.*nobody has compared.*the candidate is worse/);
      }),
    ),
);

it.live.each([
  ["holds", 0.6, true, "ShadowRegressed"],
  ["is below the kappa that policy asks for", 0.2, true, "ShadowPassed"],
  ["is of another judge", 0.6, false, "ShadowPassed"],
] as const)("with a calibration that %s the judge decides accordingly", ([, kappa, isOfJudge, expected]) =>
  run(
    Effect.gen(function* () {
      const policy = quick({ minPairs: PAIRS, minRequests: PAIRS });
      const judge = isOfJudge ? digestOf(policy.judge) : digestOf("another");
      const artifact = yield* ArtifactStore.use((store) => store.put(JSON.stringify(calibration(judge, kappa))));
      const judgeTrust = { uncalibrated: "report-only", calibration: artifact, minKappa: 0.4 } as const;
      const verdict = yield* throughShadow(worse, { ...policy, judgeTrust });
      assert.strictEqual(verdict._tag, expected);
      assert.deepInclude(verdict.evidence.judgeReport?.calibration, { artifact, n: 120 });
    }),
  ),
);
