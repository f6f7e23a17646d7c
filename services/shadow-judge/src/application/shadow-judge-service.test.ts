import { assert, it } from "@effect/vitest";
import { ArtifactStore, ArtifactStoreError, layerMemory as artifactsInMemory } from "@sluice/artifact-store";
import { type Observation, type ObservationEvent, ShadowInputs, timestampOf } from "@sluice/contracts";
import { application, bundle, event, RELEASE, shadowEvidence } from "@sluice/release/testing/samples";
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import * as Layer from "effect/Layer";
import * as Option from "effect/Option";
import * as Schema from "effect/Schema";
import * as Scope from "effect/Scope";
import { replayShadow } from "../domain/evaluate-shadow.ts";
import { shadowJudgeService } from "./shadow-judge-service.ts";

import {
  asGood,
  history,
  now,
  observe,
  pair,
  pairs,
  quick,
  record,
  run,
  service,
  side,
  until,
  watch,
  worse,
} from "./shadow-run.fixture.ts";

it.live("a release that passed the gate is shadowed, and passes with evidence that replays from its artifact", () =>
  run(
    Effect.gen(function* () {
      const seen = yield* watch;
      yield* service;
      const used = quick();
      yield* record(...history(used));
      yield* seen.shadowStarted;
      yield* observe(...pairs(200, 0, asGood));
      const verdict = yield* seen.verdict;
      assert.strictEqual(verdict._tag, "ShadowPassed");
      assert.strictEqual(verdict.evidence.pairs, 200);
      assert.closeTo(verdict.evidence.candidateMean ?? 0, 0.9, 1e-9);
      const stored = yield* ArtifactStore.use((store) => store.get(verdict.evidence.inputs));
      const text = new TextDecoder().decode(Option.getOrThrow(stored));
      const inputs = Schema.decodeUnknownSync(Schema.fromJsonString(ShadowInputs))(text);
      assert.deepStrictEqual(replayShadow(inputs, used, verdict.evidence.inputs), {
        decision: "passed",
        evidence: verdict.evidence,
      });
    }),
  ),
);

it.live("a candidate that answers worse is stopped before the pairs that policy asks for are in", () =>
  run(
    Effect.gen(function* () {
      const seen = yield* watch;
      yield* service;
      yield* record(...history(quick({ minPairs: 5_000, minRequests: 5_000 })));
      yield* seen.shadowStarted;
      yield* observe(...pairs(400, 0, worse));
      const verdict = yield* seen.verdict;
      assert.strictEqual(verdict._tag, "ShadowRegressed");
      assert.isAtLeast(verdict.evidence.logE, verdict.evidence.logThreshold);
    }),
  ),
);

it.live(
  "failures are kept apart: the baseline's, the judge's and a rate limit's are excluded, the candidate's scores 0",
  () =>
    run(
      Effect.gen(function* () {
        const seen = yield* watch;
        yield* service;
        yield* record(...history(quick()));
        yield* seen.shadowStarted;
        yield* observe(
          pair("baseline failed", side("", "upstream-5xx"), side("1")),
          pair("candidate failed", side("1"), side("", "timeout")),
          pair("rate limit", side("1"), side("", "rate-limited")),
          pair("judge failed", side("1"), side("broken")),
          pair("fine", side("0.5"), side("0.25")),
        );
        yield* until(() => seen.judgements.length === 5);
        assert.deepStrictEqual(
          seen.judgements.map((judged) =>
            judged._tag === "PairJudged"
              ? [judged.baselineScore, judged.candidateScore, judged.candidateFailed, judged.error]
              : [],
          ),
          [
            [null, null, false, null],
            [1, 0, true, null],
            [null, null, false, null],
            [null, null, false, "no answer"],
            [0.5, 0.25, false, null],
          ],
        );
      }),
    ),
);

it.live("a judge that mostly fails leads to no pass, and at the deadline to no verdict", () =>
  run(
    Effect.gen(function* () {
      const seen = yield* watch;
      yield* service;
      yield* record(...history(quick({ deadlineSeconds: 0.5 })));
      yield* seen.shadowStarted;
      yield* observe(...pairs(220, 0, (i) => (i % 20 === 3 ? "broken" : "1")));
      const verdict = yield* seen.verdict;
      assert.strictEqual(verdict._tag, "ShadowInconclusive");
      assert.strictEqual(verdict.evidence.judgeErrors, 11);
    }),
  ),
);

it.live("a service that is started again goes on from the topics, and a repeated pair counts once", () =>
  run(
    Effect.gen(function* () {
      const seen = yield* watch;
      yield* record(...history(quick()));
      const first = yield* Scope.make();
      yield* Scope.provide(service, first);
      yield* seen.shadowStarted;
      yield* observe(...pairs(150, 0, asGood));
      yield* until(() => seen.judgements.length === 150);
      yield* Scope.close(first, Exit.void);
      yield* observe(...pairs(20, 0, asGood), ...pairs(50, 150, asGood));
      yield* service;
      const verdict = yield* seen.verdict;
      assert.strictEqual(verdict._tag, "ShadowPassed");
      assert.strictEqual(verdict.evidence.pairs, 200);
      assert.strictEqual(new Set(seen.judgements.map(({ judgementId }) => judgementId)).size, 200);
    }),
  ),
);

it.live("pairs that come before the log explains them wait for it", () =>
  run(
    Effect.gen(function* () {
      const seen = yield* watch;
      yield* service;
      yield* observe(...pairs(200, 0, asGood));
      yield* record(...history(quick()));
      assert.strictEqual((yield* seen.verdict)._tag, "ShadowPassed");
    }),
  ),
);

it.live("a paused release keeps its pass until it is resumed", () =>
  run(
    Effect.gen(function* () {
      const seen = yield* watch;
      yield* service;
      yield* record(...history(quick()));
      yield* seen.shadowStarted;
      yield* record(event("ReleasePaused"));
      yield* observe(...pairs(200, 0, asGood));
      yield* until(() => seen.judgements.length === 200);
      // A look takes the applications in turn: when it has come to the second one, it has been at the paused one.
      const other = { application: "second-bot", releaseId: "rel-second" };
      yield* record(...history(quick()).map((one) => ({ ...one, ...other, eventId: `${one.eventId}-second` })));
      yield* until(() => seen.releases.some((one) => one._tag === "ShadowStarted" && one.application === "second-bot"));
      assert.notInclude(
        seen.releases.map(({ _tag }) => _tag),
        "ShadowPassed",
      );
      yield* record(event("ReleaseResumed"));
      assert.strictEqual((yield* seen.verdict)._tag, "ShadowPassed");
    }),
  ),
);

it.live("an artifact store that is down delays the verdict and changes nothing else", () => {
  let outages = 3;
  const failing = Layer.effect(
    ArtifactStore,
    Effect.map(ArtifactStore, (store) => ({
      ...store,
      put: (content: string | Uint8Array) =>
        outages-- > 0
          ? Effect.fail(new ArtifactStoreError({ operation: "put", message: "connection refused" }))
          : store.put(content),
    })),
  ).pipe(Layer.provide(artifactsInMemory));
  return run(
    Effect.gen(function* () {
      const seen = yield* watch;
      yield* service;
      yield* record(...history(quick()));
      yield* seen.shadowStarted;
      yield* observe(...pairs(200, 0, asGood));
      assert.strictEqual((yield* seen.verdict)._tag, "ShadowPassed");
      assert.isBelow(outages, 0);
    }),
    failing,
  );
});

const observation = (id: string, fields: Partial<Observation>): Observation => {
  const { bundle: _, output: __, ...measured } = side("");
  return {
    observationId: id,
    application,
    releaseId: RELEASE,
    arm: "candidate",
    role: "user",
    assignedBundle: bundle("new").digest,
    servedBundle: bundle("new").digest,
    clusterKey: id,
    gatewayId: "gw-1",
    startedAt: timestampOf(0),
    endedAt: "2026-01-31T09:00:00.250Z",
    streamed: false,
    ...measured,
    payload: { input: "question", output: "0.75" },
    ...fields,
  };
};

it.live("in the canary, sampled responses of users are judged on both arms, in their own window", () =>
  run(
    Effect.gen(function* () {
      const seen = yield* watch;
      yield* service;
      yield* record(
        ...history(quick()),
        event("ShadowStarted"),
        event("ShadowPassed", { evidence: shadowEvidence }),
        event("CanaryStepStarted"),
      );
      const { payload: _, ...unsampled } = observation("unsampled", {});
      yield* observe({
        _tag: "ObservationsRecorded",
        batchId: "gw-1/1",
        gatewayId: "gw-1",
        application,
        through: now(),
        observations: [
          observation("a", {}),
          observation("probe", { role: "probe" }),
          observation("failed", { errorClass: "timeout" }),
          unsampled,
          observation("b", { arm: "baseline", payload: { input: "question", output: "broken" } }),
        ],
      });
      yield* until(() => seen.judgements.length === 2);
      assert.deepStrictEqual(
        seen.judgements.map((judged) =>
          judged._tag === "ResponseJudged"
            ? [judged.observationId, judged.arm, judged.score, judged.error, judged.endedAt]
            : [],
        ),
        [
          ["a", "candidate", 0.75, null, "2026-01-31T09:00:00.250Z"],
          ["b", "baseline", null, "no answer", "2026-01-31T09:00:00.250Z"],
        ],
      );
    }),
  ),
);

it.live("a batch that has to wait for the log is judged once, when it does not wait any more", () =>
  run(
    Effect.gen(function* () {
      const seen = yield* watch;
      yield* shadowJudgeService({ tickMs: 10, unknownReleaseMs: 300 });
      yield* record(
        ...history(quick()),
        event("ShadowStarted"),
        event("ShadowPassed", { evidence: shadowEvidence }),
        event("CanaryStepStarted"),
      );
      const batch = (batchId: string, one: Observation): ObservationEvent => ({
        _tag: "ObservationsRecorded",
        batchId,
        gatewayId: "gw-1",
        application,
        through: now(),
        observations: [one],
      });
      yield* observe(
        batch("gw-1/1", observation("known", {})),
        // Within its time the batch comes again and again.
        batch("gw-1/2", observation("unknown", { releaseId: "rel-nobody-knows", endedAt: now() })),
      );
      yield* observe(batch("gw-1/3", observation("after", {})));
      const judged = () => seen.judgements.map((one) => (one._tag === "ResponseJudged" ? one.observationId : ""));
      yield* until(() => judged().includes("after"));
      assert.deepStrictEqual(judged(), ["known", "after"]);
    }),
  ),
);
