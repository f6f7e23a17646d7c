import { assert, it } from "@effect/vitest";
import { ArtifactStore } from "@sluice/artifact-store";
import { canonicalJson, type Digest, digestOf, type JudgeCalibrationRecord, timestampOf } from "@sluice/contracts";
import * as Effect from "effect/Effect";
import { onAMorning, pass, passedShadow, policy, simulatedGateway } from "./application/controlled-stack.fixture.ts";
import { afterShadow, find, recorded } from "./application/recorded-log.fixture.ts";
import { canaryControllerService } from "./canary-controller-service.ts";
import { evaluateCanary } from "./domain/evaluate-canary.ts";

const judged = policy({ metrics: { quality: { sampleRate: 0.1 } } });

const calibration = (judge: Digest, kappa: number): JudgeCalibrationRecord => ({
  kind: "judge-calibration",
  version: 1,
  judge,
  specification: judged.judge,
  rows: digestOf("rows"),
  calibratedAt: timestampOf(0),
  n: 120,
  judgeErrors: 0,
  agreement: { value: 0.8, interval: { low: 0.7, high: 0.9, confidence: 0.95 } },
  kappa: { value: kappa, interval: { low: kappa - 0.1, high: kappa + 0.1, confidence: 0.95 } },
});

/** A candidate whose answers score 0 beside a baseline's that score 1, under a policy that trusts its judge so. */
const throughCanary = Effect.fnUntraced(function* (judgeTrust: Partial<typeof judged.judgeTrust>) {
  const events = yield* recorded;
  const gateway = yield* simulatedGateway();
  gateway.scores = { baseline: 1, candidate: 0 };
  yield* passedShadow({ ...judged, judgeTrust: { ...judged.judgeTrust, ...judgeTrust } });
  yield* canaryControllerService({ judgementLagMs: 2_000 });
  yield* pass(36);
  return events;
});

it.effect("a judge that nobody has compared with people may be set to report: it rolls no canary back", () =>
  Effect.gen(function* () {
    const events = yield* throughCanary({ uncalibrated: "report-only" });
    assert.deepStrictEqual(afterShadow(events).slice(-2), ["CanaryStepPassed 1", "ReleaseCompleted"]);
    const { evidence } = find(events, "CanaryStepPassed");
    assert.deepInclude(evidence.judgeReport, { reportOnly: true, calibration: null });
    const quality = evidence.checks.find(({ check }) => check === "quality");
    assert.deepInclude(quality, { mode: "warn", verdict: "failed" });
    assert.match(quality?.sentence ?? "", /nobody has compared it with people: it decides nothing/);
    const replayed = evaluateCanary(judged.canary, evidence.windows, 0, evidence.judgeReport);
    assert.strictEqual(canonicalJson(replayed?.evidence ?? null), canonicalJson(evidence));
  }).pipe(onAMorning),
);

it.effect("without such a setting the judge decides, and the evidence says nothing of it", () =>
  Effect.gen(function* () {
    const { evidence, sentence } = find(yield* throughCanary({}), "CanaryBreached");
    assert.match(sentence, /mean quality score/);
    assert.notProperty(evidence, "judgeReport");
  }).pipe(onAMorning),
);

it.effect.each([
  ["holds", 0.6, true, "CanaryBreached"],
  ["is below the kappa that policy asks for", 0.2, true, "ReleaseCompleted"],
  ["is of another judge", 0.6, false, "ReleaseCompleted"],
] as const)("with a calibration that %s the canary's judge decides accordingly", ([, kappa, isOfJudge, expected]) =>
  Effect.gen(function* () {
    const judge = isOfJudge ? digestOf(judged.judge) : digestOf("another");
    const record = JSON.stringify(calibration(judge, kappa));
    const artifact = yield* ArtifactStore.use((store) => store.put(record));
    const events = yield* throughCanary({ uncalibrated: "report-only", calibration: artifact });
    assert.isTrue(afterShadow(events).some((line) => line.startsWith(expected)));
    const decision = find(events, expected === "CanaryBreached" ? expected : "CanaryStepPassed");
    assert.deepInclude(decision.evidence?.judgeReport?.calibration, { artifact, n: 120 });
  }).pipe(onAMorning),
);
