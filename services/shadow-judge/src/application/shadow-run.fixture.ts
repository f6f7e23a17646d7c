import { assert } from "@effect/vitest";
import { type ArtifactStore, layerMemory as artifactsInMemory } from "@sluice/artifact-store";
import {
  type JudgementEvent,
  judgementsTopic,
  type ObservationEvent,
  observationsTopic,
  type PairSide,
  type Policy,
  type ReleaseEvent,
  releasesTopic,
  type ShadowPairRecorded,
  timestampOf,
} from "@sluice/contracts";
import { pairSide } from "@sluice/contracts/testing/pair-side";
import { layerMemory as busInMemory, EventBus } from "@sluice/event-bus";
import { Judge, JudgeError } from "@sluice/judge";
import { application, bundle, event, policy, RELEASE } from "@sluice/release/testing/samples";
import { ReleaseLog } from "@sluice/release-log";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import * as References from "effect/References";
import type * as Scope from "effect/Scope";
import { shadowJudgeService } from "./shadow-judge-service.ts";

/** The output says what it is worth, and "broken" is more than the judge can take. */
export const judge = Judge.layerMemory((_, { output }) =>
  output === "broken" ? Effect.fail(new JudgeError({ message: "no answer" })) : Effect.succeed(Number(output)),
);

export const layers = (artifacts: Layer.Layer<ArtifactStore> = artifactsInMemory) =>
  Layer.mergeAll(
    ReleaseLog.layer.pipe(Layer.provideMerge(busInMemory)),
    artifacts,
    judge,
    // Outages are logged as warnings; here they are meant.
    Layer.succeed(References.MinimumLogLevel, "None"),
  );

export const quick = (shadow: Partial<Policy["shadow"]> = {}): Policy => ({
  ...policy,
  shadow: { ...policy.shadow, minDurationSeconds: 0, minRequests: 200, minPairs: 200, ...shadow },
});

export const history = (used: Policy): ReadonlyArray<ReleaseEvent> => [
  event("ApplicationRegistered"),
  event("ReleaseRequested", { policy: used }),
  event("OfflineGatePassed"),
];

export const now = () => timestampOf(Date.now());

export const side = (output: string, errorClass: PairSide["errorClass"] = null): PairSide =>
  pairSide({ bundle: bundle("old").digest, output, status: errorClass === null ? 200 : 500, errorClass });

export const pair = (id: number | string, baseline: PairSide, candidate: PairSide): ShadowPairRecorded => ({
  _tag: "ShadowPairRecorded",
  pairId: `pair/${id}`,
  gatewayId: "gw-1",
  application,
  releaseId: RELEASE,
  at: now(),
  clusterKey: `conversation-${id}`,
  input: "question",
  baseline,
  candidate,
});

export const pairs = (count: number, from: number, candidate: (i: number) => string) =>
  Array.from({ length: count }, (_, i) => pair(from + i, side(i % 10 === 0 ? "0" : "1"), side(candidate(i))));
export const asGood = (i: number) => (i % 10 === 5 ? "0" : "1");
export const worse = (i: number) => (i % 2 === 0 ? "0" : "1");

export const observe = (...events: ReadonlyArray<ObservationEvent>) =>
  EventBus.use((bus) => bus.publish(observationsTopic, events));
export const record = (...events: ReadonlyArray<ReleaseEvent>) =>
  EventBus.use((bus) => bus.publish(releasesTopic, events));

export const until = (condition: () => boolean) =>
  Effect.whileLoop({ while: () => !condition(), body: () => Effect.sleep(5), step: () => {} });

/** What the topics hold, as it grows. */
export const watch = Effect.gen(function* () {
  const bus = yield* EventBus;
  const judgements: Array<JudgementEvent> = [];
  const releases: Array<ReleaseEvent> = [];
  yield* bus.follow(judgementsTopic, (batch) =>
    Effect.sync(() => {
      judgements.push(...batch.map(({ event }) => event));
    }),
  );
  yield* bus.follow(releasesTopic, (batch) =>
    Effect.sync(() => {
      releases.push(...batch.map(({ event }) => event));
    }),
  );
  const verdict = () =>
    releases.find(
      (one) => one._tag === "ShadowPassed" || one._tag === "ShadowRegressed" || one._tag === "ShadowInconclusive",
    );
  return {
    judgements,
    releases,
    verdict: Effect.map(
      until(() => verdict() !== undefined),
      () => verdict() ?? assert.fail("no verdict"),
    ),
    shadowStarted: until(() => releases.some(({ _tag }) => _tag === "ShadowStarted")),
  };
});

export const service = shadowJudgeService({ tickMs: 10 });
export const run = <E, R extends ReleaseLog | EventBus | ArtifactStore | Judge | Scope.Scope>(
  test: Effect.Effect<void, E, R>,
  artifacts?: Layer.Layer<ArtifactStore>,
) => test.pipe(Effect.timeout("5 seconds"), Effect.provide(layers(artifacts)));
