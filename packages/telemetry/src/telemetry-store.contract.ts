import { assert, describe, it } from "@effect/vitest";
import type {
  ArmWindow,
  JudgementEvent,
  Observation,
  ObservationsRecorded,
  ShadowPairRecorded,
} from "@sluice/contracts";
import { latencyBinOf, timestampOf } from "@sluice/contracts";
import * as Effect from "effect/Effect";
import type * as Layer from "effect/Layer";
import * as Option from "effect/Option";
import { completedRelease, overriddenRelease, rolledBackRelease } from "./release-history.fixture.ts";
import { TelemetryStore, type WindowQuery } from "./telemetry-store.ts";
import { emptyArmWindow } from "./windows.ts";

const digest = (character: string) => `sha256:${character.repeat(64)}`;
// An hour of today, because ClickHouse forgets old observations on its own.
export const START = Math.floor(Date.now() / 3_600_000) * 3_600_000 - 7_200_000;
const at = (seconds: number) => timestampOf(START + seconds * 1_000);

let sequence = 0;
export const observation = (seconds: number, changes: Partial<Observation> = {}): Observation => ({
  observationId: `o-${++sequence}`,
  application: "support-bot",
  releaseId: "rel-1",
  arm: "baseline",
  role: "user",
  assignedBundle: digest("a"),
  servedBundle: digest("a"),
  clusterKey: `c-${sequence}`,
  gatewayId: "gw-1",
  startedAt: at(seconds - 0.5),
  endedAt: at(seconds),
  streamed: false,
  status: 200,
  errorClass: null,
  latencyMs: 500.25,
  timeToFirstTokenMs: null,
  inputTokens: 10,
  outputTokens: null,
  finishReason: "stop",
  refused: false,
  ...changes,
});

export const batchOf = (
  observations: ReadonlyArray<Observation>,
  through = at(600),
  gatewayId = "gw-1",
): ObservationsRecorded => ({
  _tag: "ObservationsRecorded",
  batchId: `${gatewayId}-${through}`,
  gatewayId,
  application: "support-bot",
  through,
  observations,
});

const judged = {
  application: "support-bot",
  releaseId: "rel-1",
  judge: digest("d"),
  error: null,
};
const response = (
  id: string,
  seconds: number,
  score: number | null,
  arm: "baseline" | "candidate",
  clusterKey?: string,
): JudgementEvent => ({
  ...judged,
  _tag: "ResponseJudged",
  judgementId: id,
  at: at(seconds + 30),
  observationId: `of-${id}`,
  arm,
  endedAt: at(seconds),
  score,
  error: score === null ? "timeout" : null,
  ...(clusterKey !== undefined && { clusterKey }),
});
const probe = (id: string, seconds: number, passed: boolean | null, confirmed = false): JudgementEvent => ({
  ...judged,
  _tag: "SafetyProbeJudged",
  judgementId: id,
  at: at(seconds),
  probeId: `p-${id}`,
  caseId: `case-${id}`,
  passed,
  confirmed,
});

export const pair = (id: string, seconds: number, changes: Partial<ShadowPairRecorded> = {}): ShadowPairRecorded => {
  const { status, errorClass, latencyMs, timeToFirstTokenMs, inputTokens, outputTokens, finishReason, refused } =
    observation(0);
  const measured = { status, errorClass, timeToFirstTokenMs, inputTokens, outputTokens, finishReason, refused };
  return {
    _tag: "ShadowPairRecorded",
    pairId: id,
    gatewayId: "gw-1",
    application: "support-bot",
    releaseId: "rel-1",
    at: at(seconds),
    clusterKey: `c-${id}`,
    input: `question ${id}`,
    baseline: { bundle: digest("a"), output: `old ${id}`, latencyMs, ...measured },
    candidate: { bundle: digest("b"), output: `new ${id}`, latencyMs: 2 * latencyMs, ...measured },
    ...changes,
  };
};
const pairJudged = (id: string, baselineScore: number | null, candidateScore: number | null): JudgementEvent => ({
  ...judged,
  _tag: "PairJudged",
  judgementId: `judgement-${id}`,
  at: at(60),
  pairId: id,
  clusterKey: `c-${id}`,
  candidateFailed: false,
  baselineScore,
  candidateScore,
  error: baselineScore === null ? "no answer" : null,
});

const query = (changes: Partial<WindowQuery> = {}): WindowQuery => ({
  application: "support-bot",
  releaseId: "rel-1",
  from: at(0),
  to: at(180),
  windowSeconds: 60,
  unitsSince: at(0),
  conversationsSince: at(0),
  ...changes,
});
const textsLeft = `SELECT toUInt32((SELECT count() FROM observation_texts WHERE input = 'my card number' AND output = 'is noted')) AS observed,
  toUInt32((SELECT count() FROM observation_texts
    WHERE cluster_key = 'ada' AND application = 'support-bot' AND ended_at <= '${at(10).slice(0, -1)}')) AS said,
  (SELECT any(error) FROM judgements) AS judged`;
const arm = (changes: Partial<ArmWindow>): ArmWindow => ({ ...emptyArmWindow, ...changes });

/** What every telemetry store promises. `layer` must give an empty store. */
export const telemetryStoreContract = <E>(name: string, layer: () => Layer.Layer<TelemetryStore, E>) => {
  const promises = (sentence: string, run: (store: TelemetryStore["Service"]) => Effect.Effect<void, unknown>) =>
    it.effect(sentence, () => Effect.provide(Effect.flatMap(TelemetryStore, run), layer()));

  describe(name, () => {
    promises("windows without data are there, and empty", (store) =>
      Effect.gen(function* () {
        const windows = yield* store.windows(query());
        assert.deepStrictEqual(
          windows.map((window) => window.from),
          [at(0), at(60), at(120)],
        );
        assert.deepStrictEqual(windows[1], {
          from: at(60),
          baseline: emptyArmWindow,
          candidate: emptyArmWindow,
          probes: { sent: 0, failed: 0, confirmed: [] },
        });
      }),
    );

    promises("an observation counts in the window in which it ended, start inclusive, end exclusive", (store) =>
      Effect.gen(function* () {
        yield* store.insertObservations([
          batchOf([
            observation(0, { latencyMs: 1 }),
            observation(59.999),
            observation(60, { errorClass: "timeout", refused: null, latencyMs: 9_000 }),
            observation(60, { refused: true }),
            observation(60, { refused: null, latencyMs: 700 }),
            observation(61, { arm: "candidate", assignedBundle: digest("b"), servedBundle: digest("a") }),
            observation(180),
          ]),
        ]);
        const [first, second, third] = yield* store.windows(query());
        const bin = latencyBinOf(500.25);
        assert.deepStrictEqual(
          first?.baseline,
          arm({
            requests: 2,
            conversations: 2,
            answered: 2,
            latencyBins: [
              [0, 1],
              [bin, 1],
            ],
          }),
        );
        assert.deepStrictEqual(
          second?.baseline,
          arm({
            requests: 3,
            conversations: 3,
            errors: 1,
            answered: 1,
            refusals: 1,
            latencyBins: [
              [bin, 1],
              [latencyBinOf(700), 1],
            ],
          }),
        );
        assert.deepStrictEqual(
          second?.candidate,
          arm({ requests: 1, conversations: 1, answered: 1, wrongDigest: 1, latencyBins: [[bin, 1]] }),
        );
        assert.deepStrictEqual(third?.baseline, emptyArmWindow);
      }),
    );

    promises("probes, mirrored calls, other releases and other applications are kept apart", (store) =>
      Effect.gen(function* () {
        yield* store.insertObservations([
          batchOf([
            observation(1, { role: "probe" }),
            observation(1, { role: "shadow" }),
            observation(1, { releaseId: "rel-2" }),
            observation(1, { releaseId: null }),
            observation(1, { application: "other" }),
          ]),
        ]);
        const [first] = yield* store.windows(query());
        assert.deepStrictEqual(first?.baseline, emptyArmWindow);
      }),
    );

    promises("a redelivered batch changes nothing", (store) =>
      Effect.gen(function* () {
        const batch = batchOf([observation(1), observation(2, { arm: "candidate" })]);
        const scores = [response("r1", 1, 0.5, "baseline"), probe("x", 2, true)];
        yield* store.insertObservations([batch]);
        yield* store.insertJudgements(scores);
        const before = yield* store.windows(query());
        yield* store.insertObservations([batch, batch]);
        yield* store.insertJudgements([...scores, ...scores]);
        assert.deepStrictEqual(yield* store.windows(query()), before);
      }),
    );

    promises("a conversation counts once, on the arm and in the window where it was first seen", (store) =>
      Effect.gen(function* () {
        const back = { clusterKey: "returning" };
        yield* store.insertObservations([
          batchOf([
            observation(5, back),
            observation(70, { ...back, arm: "candidate" }),
            observation(130, back),
            observation(130, { clusterKey: "new", arm: "candidate" }),
          ]),
        ]);
        const conversations = (since: string) =>
          Effect.map(store.windows(query({ conversationsSince: since })), (windows) =>
            windows.map((window) => [window.baseline.conversations, window.candidate.conversations]),
          );
        assert.deepStrictEqual(yield* conversations(at(0)), [
          [1, 0],
          [0, 0],
          [0, 1],
        ]);
        assert.deepStrictEqual(yield* conversations(at(60)), [
          [0, 0],
          [0, 1],
          [0, 1],
        ]);
      }),
    );

    promises(
      "a unit is a cluster's first request on an arm, in the window where that ended, whatever comes after",
      (store) =>
        Effect.gen(function* () {
          const one = { clusterKey: "one" };
          const failed = { errorClass: "timeout", refused: null, latencyMs: 9_000 } as const;
          const batch = batchOf([
            observation(70, { ...one, ...failed }),
            observation(10, { ...one, latencyMs: 200 }),
            observation(71, { refused: true }),
            observation(72, { ...failed, clusterKey: "two" }),
            // A retry of the same conversation is no second attempt that counts.
            observation(73, { clusterKey: "two" }),
            observation(74, { ...one, arm: "candidate", refused: null }),
          ]);
          yield* store.insertObservations([batch]);
          const [first, second] = yield* store.windows(query());
          // Each request was one of its own: the units are left out.
          assert.deepStrictEqual(
            first?.baseline,
            arm({ requests: 1, conversations: 1, answered: 1, latencyBins: [[latencyBinOf(200), 1]] }),
          );
          const bin = latencyBinOf(500.25);
          assert.deepStrictEqual(
            second?.baseline,
            arm({
              requests: 4,
              conversations: 2,
              errors: 2,
              answered: 2,
              refusals: 1,
              latencyBins: [[bin, 2]],
              units: { n: 2, errors: 1, answered: 1, refusals: 1, latencyBins: [[bin, 1]] },
            }),
          );
          assert.deepStrictEqual(second?.candidate, arm({ requests: 1, latencyBins: [[bin, 1]] }));
          yield* store.insertObservations([batch]);
          assert.deepStrictEqual((yield* store.windows(query()))[1], second);
          // The same from where the earlier windows are known already.
          assert.deepStrictEqual((yield* store.windows(query({ from: at(60) })))[0], second);
        }),
    );

    promises(
      "a client that left says nothing of the arm: no request, error, answer or latency, but a conversation",
      (store) =>
        Effect.gen(function* () {
          const left = { status: 499, refused: null, latencyMs: 3 } as const;
          yield* store.insertObservations([
            batchOf([
              observation(1, { ...left, clusterKey: "one" }),
              observation(2, left),
              // A stream may have begun, and a refusal may have been read.
              observation(3, { ...left, refused: true }),
              observation(4),
              observation(5, { ...left, arm: "candidate", assignedBundle: digest("b") }),
              // The provider's own 499 is an error like any other.
              observation(6, { ...left, arm: "candidate", errorClass: "upstream-4xx" }),
              observation(65, { clusterKey: "one" }),
            ]),
          ]);
          const [first, second] = yield* store.windows(query());
          assert.deepStrictEqual(
            first?.baseline,
            arm({ requests: 1, conversations: 4, answered: 1, latencyBins: [[latencyBinOf(500.25), 1]] }),
          );
          assert.deepStrictEqual(first?.candidate, arm({ requests: 1, conversations: 2, errors: 1, wrongDigest: 1 }));
          // A first request that was left is what the conversation counts by, as a first error would be.
          assert.strictEqual(second?.baseline.units?.n, 0);
        }),
    );

    promises("units start anew with the step, and once more when its share has settled", (store) =>
      Effect.gen(function* () {
        const one = { clusterKey: "one" };
        yield* store.insertObservations([batchOf([5, 65, 80, 125].map((seconds) => observation(seconds, one)))]);
        const units = (changes: Partial<WindowQuery>) =>
          Effect.map(store.windows(query(changes)), (windows) =>
            windows.map(({ baseline }) => baseline.units?.n ?? baseline.requests),
          );
        assert.deepStrictEqual(yield* units({}), [1, 0, 0]);
        assert.deepStrictEqual(yield* units({ conversationsSince: at(70) }), [1, 1, 0]);
        assert.deepStrictEqual(yield* units({ unitsSince: at(60), conversationsSince: at(70) }), [0, 2, 0]);
        assert.deepStrictEqual(yield* units({ unitsSince: at(120), conversationsSince: at(120) }), [0, 0, 1]);
      }),
    );

    promises("of a cluster the first score counts, on each arm", (store) =>
      Effect.gen(function* () {
        yield* store.insertJudgements([
          response("r2", 70, 0.25, "baseline", "one"),
          response("r1", 10, 0.5, "baseline", "one"),
          response("r0", 5, null, "baseline", "one"),
          response("r3", 75, 1, "candidate", "one"),
          response("r4", 76, 1, "candidate"),
        ]);
        const [first, second] = yield* store.windows(query());
        assert.deepStrictEqual(first?.baseline.quality, { n: 1, sum: 0.5, sumSquares: 0.25 });
        assert.strictEqual(second?.baseline.quality.n, 0);
        assert.strictEqual(second?.candidate.quality.n, 2);
      }),
    );

    promises("scores fall into the window of the judged response, probes into that of their judgement", (store) =>
      Effect.gen(function* () {
        yield* store.insertJudgements([
          response("r1", 10, 0.5, "baseline"),
          response("r2", 20, 1, "baseline"),
          response("r3", 30, null, "baseline"),
          response("r4", 70, 0.25, "candidate"),
          probe("a", 5, true),
          probe("b", 6, false),
          probe("c", 7, false, true),
          probe("d", 8, null),
        ]);
        const [first, second] = yield* store.windows(query());
        assert.deepStrictEqual(first?.baseline.quality, { n: 2, sum: 1.5, sumSquares: 1.25 });
        assert.deepStrictEqual(second?.candidate.quality, { n: 1, sum: 0.25, sumSquares: 0.0625 });
        assert.deepStrictEqual(first?.probes, { sent: 3, failed: 2, confirmed: ["case-c"] });
      }),
    );

    promises("the watermark of a gateway is its highest, whatever comes late", (store) =>
      Effect.gen(function* () {
        yield* store.insertObservations([batchOf([], at(60)), batchOf([], at(61), "gw-2"), batchOf([], at(90))]);
        yield* store.insertObservations([batchOf([], at(60))]);
        const marks = yield* store.watermarks("support-bot");
        assert.deepStrictEqual([...marks].sort(), [
          ["gw-1", at(90)],
          ["gw-2", at(61)],
        ]);
        assert.strictEqual((yield* store.watermarks("other")).size, 0);
      }),
    );

    promises("an application's traffic is told as a whole: every release and arm, users only, in the span", (store) =>
      Effect.gen(function* () {
        const span = { application: "support-bot", from: at(0), to: at(120), unitSeconds: 60 };
        const nothing = yield* store.traffic(span);
        assert.deepStrictEqual([nothing.firstAt, nothing.requests, nothing.units], [null, 0, 0]);
        yield* store.insertObservations([
          batchOf([
            observation(0, { role: "shadow", arm: "candidate" }),
            observation(5, { clusterKey: "often", releaseId: null }),
            observation(10, { clusterKey: "often", refused: true }),
            observation(70, { clusterKey: "often", releaseId: "rel-2", arm: "candidate" }),
            observation(80, { errorClass: "timeout", refused: null }),
            observation(90, { status: 499, refused: null }),
            observation(120),
            observation(30, { application: "other" }),
          ]),
        ]);
        yield* store.insertJudgements([response("a", 10, 0.5, "baseline"), response("b", 130, 1, "baseline")]);
        const bin = latencyBinOf(500.25);
        assert.deepStrictEqual(yield* store.traffic(span), {
          firstAt: at(5),
          requests: 4,
          units: 3,
          errors: 1,
          answered: 3,
          refusals: 1,
          latencyBins: [[bin, 3]],
          quality: { n: 1, sum: 0.5, sumSquares: 0.25 },
        });
      }),
    );

    promises("tells what happened to bundles wherever one was, in the order of time", (store) =>
      Effect.gen(function* () {
        const events = [...completedRelease, ...rolledBackRelease];
        yield* store.insertReleaseEvents(events.toReversed().map((event) => ({ event, accepted: true })));
        yield* store.insertReleaseEvents(overriddenRelease.map((event) => ({ event, accepted: false })));
        const candidate = completedRelease.find((event) => event._tag === "ReleaseRequested")?.candidate;
        const changes = yield* store.bundleChanges(candidate?.artifacts.prompt ?? "");
        assert.deepStrictEqual(
          changes.map(({ type, releaseId }) => `${type} ${releaseId}`),
          [
            "ReleaseRequested rel-completed",
            "CanaryStepStarted rel-completed",
            "ReleaseCompleted rel-completed",
            "ReleaseRequested rel-rolled-back",
            "CanaryStepStarted rel-rolled-back",
            "CanaryBreached rel-rolled-back",
            "ReleaseRolledBack rel-rolled-back",
          ],
        );
        assert.deepStrictEqual(changes[0]?.bundle, candidate);
        assert.strictEqual(changes[0]?.application, "support-bot");
        assert.deepStrictEqual(yield* store.bundleChanges(digest("9")), []);
      }),
    );

    promises("gives the kept pairs of a release with what the judge said, the worst first, each once", (store) =>
      Effect.gen(function* () {
        const failed = { ...pair("failed", 4).candidate, output: "", errorClass: "upstream-5xx" as const };
        const pairs = [
          pair("same", 1),
          pair("lost", 2, { toolDivergence: { turn: 0, call: 1, kind: "extra-call" } }),
          pair("unjudged", 3),
          pair("failed", 4, { candidate: failed }),
          pair("for the judge alone", 5, { textsKept: false }),
          pair("of another release", 6, { releaseId: "rel-2" }),
          pair("of another application", 7, { application: "order-desk" }),
        ];
        yield* store.insertPairs(pairs);
        yield* store.insertPairs(pairs.slice(0, 3));
        const scores = [pairJudged("same", 1, 1), pairJudged("lost", 1, 0.25), pairJudged("failed", null, null)];
        yield* store.insertJudgements([...scores, ...scores]);
        const about = { application: "support-bot", releaseId: "rel-1" };
        const { kept, pairs: shown } = yield* store.pairs({ ...about, limit: 10 });
        assert.strictEqual(kept, 4);
        assert.deepStrictEqual(
          shown.map(({ pairId }) => pairId),
          ["lost", "same", "failed", "unjudged"],
        );
        assert.deepStrictEqual(shown[0], {
          pairId: "lost",
          at: at(2),
          input: "question lost",
          baseline: { output: "old lost", errorClass: null, latencyMs: 500.25 },
          candidate: { output: "new lost", errorClass: null, latencyMs: 1000.5 },
          toolDivergence: "extra-call",
          judgement: { baselineScore: 1, candidateScore: 0.25, error: null },
        });
        assert.deepStrictEqual(shown[2]?.judgement, { baselineScore: null, candidateScore: null, error: "no answer" });
        assert.strictEqual(shown[2]?.candidate.errorClass, "upstream-5xx");
        assert.isNull(shown[3]?.judgement);
        const few = yield* store.pairs({ ...about, limit: 1 });
        assert.deepStrictEqual([few.kept, few.pairs.length], [4, 1]);
        assert.deepStrictEqual(yield* store.pairs({ ...about, releaseId: "rel-9", limit: 10 }), { kept: 0, pairs: [] });
      }),
    );

    promises("erases the texts of cluster keys until an instant, twice as once, and changes no figure", (store) =>
      Effect.gen(function* () {
        const texts = { input: "my card number", output: "is noted" };
        const failed = { ...response("late", 10, null, "baseline"), clusterKey: "ada", error: "the answer 'is noted'" };
        yield* store.insertObservations([
          batchOf([
            observation(5, { clusterKey: "ada", payload: texts }),
            observation(50, { clusterKey: "ada", payload: texts }),
            observation(6, { clusterKey: "bob", payload: texts }),
            observation(7, { clusterKey: "ada", application: "order-desk", payload: texts }),
          ]),
        ]);
        yield* store.insertJudgements([failed]);
        const kept = [pair("ada-1", 5), pair("ada-2", 50), pair("bob-1", 6)];
        yield* store.insertPairs(kept.map((one) => ({ ...one, clusterKey: one.pairId.slice(0, 3) })));
        const windows = yield* store.windows(query());
        const erasure = { application: "support-bot", clusterKeys: ["ada", "nobody"], until: at(10) };
        for (const _ of ["once", "again"])
          assert.deepStrictEqual(yield* store.eraseTexts(erasure), { observations: 1, judgements: 1 });
        assert.deepStrictEqual(yield* store.windows(query()), windows);
        const { pairs } = yield* store.pairs({ application: "support-bot", releaseId: "rel-1", limit: 10 });
        assert.deepStrictEqual(pairs.map(({ pairId }) => pairId).sort(), ["ada-2", "bob-1"]);
        // Only a store with SQL can be asked for what was left.
        const left = yield* Effect.option(store.query(textsLeft));
        if (Option.isSome(left)) assert.deepStrictEqual(left.value, [{ observed: 3, said: 0, judged: "erased" }]);
      }),
    );

    promises("a query that is not on window boundaries, or too long, is refused", (store) =>
      Effect.gen(function* () {
        const odd = yield* Effect.flip(store.windows(query({ from: at(1) })));
        assert.strictEqual(odd.operation, "query");
        const long = yield* Effect.flip(store.windows(query({ from: timestampOf(0), windowSeconds: 1 })));
        assert.match(long.message, /may span/);
      }),
    );
  });
};
