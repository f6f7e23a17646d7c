import { assert, it } from "@effect/vitest";
import { ArtifactStore } from "@sluice/artifact-store";
import { releasesTopic, timestampOf } from "@sluice/contracts";
import { EventBus } from "@sluice/event-bus";
import { PagerInbox } from "@sluice/pager";
import { event } from "@sluice/release/testing/samples";
import { TelemetryError, TelemetryStore } from "@sluice/telemetry";
import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import * as Scope from "effect/Scope";
import {
  application,
  candidate,
  onAMorning,
  pass,
  passedShadow,
  policy,
  releaseId,
  simulatedGateway,
} from "./application/controlled-stack.fixture.ts";
import { active, afterShadow, find, recorded, secondsBetween } from "./application/recorded-log.fixture.ts";
import { canaryControllerService } from "./canary-controller-service.ts";

it.effect("a gateway that does not take the pin is named when the deadline comes", () =>
  Effect.gen(function* () {
    const events = yield* recorded;
    const deaf = yield* simulatedGateway("gw-deaf");
    yield* simulatedGateway("gw-1");
    yield* passedShadow();
    yield* canaryControllerService({});
    yield* pass(3);
    deaf.takesRouting = false;
    deaf.candidateErrorRate = 1;
    yield* pass(20);
    const rolledBack = find(events, "ReleaseRolledBack");
    assert.deepStrictEqual(rolledBack.unacknowledged, ["gw-deaf"]);
    const [, update, over] = yield* (yield* PagerInbox).messages;
    assert.match(update?.summary ?? "", /Rolled back without the acknowledgement of gw-deaf/);
    assert.deepStrictEqual([update?.action, over?.action, over?.summary], ["update", "resolve", update?.summary]);
    assert.isAtLeast(secondsBetween(find(events, "CanaryBreached").at, rolledBack.at), 10);
  }).pipe(onAMorning),
);

it.effect("a gateway that was cut off before the breach is no mitigated one: it is named at the deadline", () =>
  Effect.gen(function* () {
    const events = yield* recorded;
    const cutOff = yield* Scope.make();
    yield* Scope.provide(simulatedGateway("gw-cut-off"), cutOff);
    const gateway = yield* simulatedGateway("gw-1");
    yield* passedShadow();
    yield* canaryControllerService({});
    yield* pass(3);
    yield* Scope.close(cutOff, Exit.void);
    yield* pass(7);
    gateway.candidateErrorRate = 1;
    yield* pass(20);
    assert.deepStrictEqual(find(events, "ReleaseRolledBack").unacknowledged, ["gw-cut-off"]);
    assert.notInclude(afterShadow(events), "MitigationConfirmed");
  }).pipe(onAMorning),
);

it.effect("a gateway that takes a step's share late is no broken assignment", () =>
  Effect.gen(function* () {
    const events = yield* recorded;
    const steps = [0.2, 0.5, 1].map((share) => ({ share, holdSeconds: 12, minRequests: 40 }));
    const late = yield* simulatedGateway("gw-late");
    yield* passedShadow(policy({ steps, holdDeadlineSeconds: 600 }));
    yield* canaryControllerService({});
    yield* pass(3);
    late.takesRouting = false;
    // Ten seconds of the second step, in which a fifth of its users still meet the candidate.
    yield* pass(20);
    assert.strictEqual(late.served?.candidate?.share, 0.2);
    assert.strictEqual(late.given.at(-1)?.candidate?.share, 0.5);
    late.served = late.given.at(-1) ?? null;
    late.takesRouting = true;
    yield* pass(25);
    assert.notInclude(afterShadow(events), "CanaryHeld sample-ratio-mismatch");
    assert.include(afterShadow(events), "ReleaseCompleted");
  }).pipe(onAMorning),
);

it.effect("a gateway without observations is a named hold, and the step goes on when they are back", () =>
  Effect.gen(function* () {
    const events = yield* recorded;
    const gateway = yield* simulatedGateway();
    yield* passedShadow(policy({ holdDeadlineSeconds: 600 }));
    yield* canaryControllerService({ watermarkGraceMs: 1_000 });
    yield* pass(3);
    gateway.sendsObservations = false;
    yield* pass(10);
    assert.deepStrictEqual(afterShadow(events), ["CanaryStepStarted 0", "CanaryHeld watermark-behind"]);
    gateway.sendsObservations = true;
    yield* pass(17);
    assert.include(afterShadow(events), "ReleaseCompleted");
  }).pipe(onAMorning),
);

it.effect("a hold whose cause is gone ends, long before its step passes", () =>
  Effect.gen(function* () {
    const events = yield* recorded;
    const gateway = yield* simulatedGateway();
    const long = { holdSeconds: 60, minRequests: 40 };
    yield* passedShadow(
      policy({
        steps: [
          { share: 0.2, ...long },
          { share: 1, ...long },
        ],
      }),
    );
    yield* canaryControllerService({ watermarkGraceMs: 1_000 });
    yield* pass(3);
    gateway.sendsObservations = false;
    yield* pass(6);
    assert.strictEqual((yield* active)?.hold?.cause, "watermark-behind");
    gateway.sendsObservations = true;
    yield* pass(4);
    assert.isNull((yield* active)?.hold);
    yield* pass(10);
    assert.deepStrictEqual(afterShadow(events), [
      "CanaryStepStarted 0",
      "CanaryHeld watermark-behind",
      "CanaryHoldEnded",
    ]);
  }).pipe(onAMorning),
);

it.effect("a release that is paused between two steps is watched: it breaches, and somebody is paged", () =>
  Effect.gen(function* () {
    const events = yield* recorded;
    const gateway = yield* simulatedGateway();
    const bus = yield* EventBus;
    const inbox = yield* PagerInbox;
    // The step never has its requests, so that passing it and pausing are this test's alone.
    yield* passedShadow(
      policy({
        steps: [
          { share: 0.2, holdSeconds: 6, minRequests: 1_000_000 },
          { share: 1, holdSeconds: 6, minRequests: 40 },
        ],
      }),
    );
    yield* canaryControllerService({});
    yield* pass(10);
    const at = timestampOf(yield* Clock.currentTimeMillis);
    const evidence = find(events, "CanaryHeld").evidence ?? assert.fail("a hold without evidence");
    const head = { application, releaseId, at };
    yield* bus.publish(releasesTopic, [
      event("CanaryStepPassed", { ...head, step: 0, evidence }),
      event("ReleasePaused", head),
    ]);
    yield* pass(5);
    assert.isTrue((yield* active)?.stepPassed);
    assert.isNotNull((yield* active)?.pausedAt ?? null);
    gateway.candidateErrorRate = 1;
    yield* pass(10);
    assert.strictEqual(find(events, "CanaryBreached").cause, "metric");
    assert.strictEqual((yield* inbox.messages)[0]?.action, "trigger");
  }).pipe(onAMorning),
);

it.effect("a telemetry store that fails is a named hold, never an advance", () =>
  Effect.gen(function* () {
    const events = yield* recorded;
    yield* simulatedGateway();
    yield* passedShadow();
    const store = yield* TelemetryStore;
    const broken = TelemetryStore.of({
      ...store,
      windows: () => Effect.fail(new TelemetryError({ operation: "query", message: "connection refused" })),
    });
    yield* Effect.provideService(canaryControllerService(), TelemetryStore, broken);
    yield* pass(40);
    assert.deepStrictEqual(afterShadow(events).slice(0, 3), [
      "CanaryStepStarted 0",
      "CanaryHeld query-failed",
      "CanaryBreached hold-deadline",
    ]);
    assert.match(find(events, "CanaryBreached").sentence, /connection refused/);
  }).pipe(onAMorning),
);

it.effect("routing is not repeated while the evidence cannot be seen, and again when it can", () =>
  Effect.gen(function* () {
    const gateway = yield* simulatedGateway();
    yield* passedShadow(
      policy({
        maxUnwatchedSeconds: 6,
        holdDeadlineSeconds: 600,
        steps: [{ share: 1, holdSeconds: 3_600, minRequests: 1 }],
      }),
    );
    const store = yield* TelemetryStore;
    let isDown = false;
    const failing = new TelemetryError({ operation: "query", message: "connection refused" });
    const sometimes = TelemetryStore.of({
      ...store,
      windows: (query) => (isDown ? Effect.fail(failing) : store.windows(query)),
    });
    yield* Effect.provideService(canaryControllerService(), TelemetryStore, sometimes);
    yield* pass(4);
    isDown = true;
    yield* pass(5);
    const before = gateway.given.length;
    yield* pass(20);
    assert.strictEqual(gateway.given.length, before);
    isDown = false;
    yield* pass(5);
    assert.isAbove(gateway.given.length, before);
  }).pipe(onAMorning),
);

it.effect("a routing waits for the candidate's bundle, and is never published without it", () =>
  Effect.gen(function* () {
    const gateway = yield* simulatedGateway();
    yield* passedShadow(policy({ holdDeadlineSeconds: 600 }));
    const store = yield* ArtifactStore;
    let isMissing = true;
    const prompt = candidate.artifacts.prompt;
    const incomplete = ArtifactStore.of({
      ...store,
      get: (digest) => (isMissing && digest === prompt ? Effect.succeedNone : store.get(digest)),
    });
    yield* Effect.provideService(canaryControllerService(), ArtifactStore, incomplete);
    yield* pass(5);
    assert.deepStrictEqual(gateway.given, []);
    isMissing = false;
    yield* pass(3);
    assert.isAbove(gateway.given.length, 0);
    assert.isTrue(gateway.given.every(({ candidate: routed }) => routed !== null));
  }).pipe(onAMorning),
);

it.effect("a pin waits for no bundle: it is published while the artifact store is away, even after a restart", () =>
  Effect.gen(function* () {
    const gateway = yield* simulatedGateway();
    yield* passedShadow();
    const firstLife = yield* Scope.make();
    yield* Scope.provide(canaryControllerService(), firstLife);
    yield* pass(3);
    yield* Scope.close(firstLife, Exit.void);
    const store = yield* ArtifactStore;
    const away = ArtifactStore.of({ ...store, get: () => Effect.never });
    yield* Effect.provideService(canaryControllerService(), ArtifactStore, away);
    gateway.candidateErrorRate = 1;
    yield* pass(8);
    assert.isNull(gateway.served?.candidate ?? null);
    assert.isNull(yield* active);
  }).pipe(onAMorning),
);

it.effect("a breach whose evidence cannot be published is published without it", () =>
  Effect.gen(function* () {
    const events = yield* recorded;
    yield* simulatedGateway();
    yield* passedShadow();
    const store = yield* TelemetryStore;
    // Half a request is no count: the event's schema refuses it.
    const absurd = TelemetryStore.of({
      ...store,
      windows: (query) =>
        Effect.map(store.windows(query), (rows) =>
          rows.map((row) => ({ ...row, baseline: { ...row.baseline, wrongDigest: 0.5 } })),
        ),
    });
    yield* Effect.provideService(canaryControllerService(), TelemetryStore, absurd);
    yield* pass(8);
    const breach = find(events, "CanaryBreached");
    assert.deepStrictEqual([breach.cause, breach.evidence], ["served-digest", null]);
    assert.isNull(yield* active);
  }).pipe(onAMorning),
);

it.effect("a telemetry store that does not answer is asked for a bounded time", () =>
  Effect.gen(function* () {
    const events = yield* recorded;
    yield* simulatedGateway();
    yield* passedShadow();
    const store = yield* TelemetryStore;
    const silent = TelemetryStore.of({ ...store, watermarks: () => Effect.never });
    yield* Effect.provideService(canaryControllerService({ queryTimeoutMs: 2_000 }), TelemetryStore, silent);
    yield* pass(5);
    assert.deepStrictEqual(afterShadow(events), ["CanaryStepStarted 0", "CanaryHeld query-failed"]);
  }).pipe(onAMorning),
);

it.effect("a page waits for a receiver that is down, and is then sent once", () =>
  Effect.gen(function* () {
    const inbox = yield* PagerInbox;
    const gateway = yield* simulatedGateway();
    yield* passedShadow();
    yield* canaryControllerService({});
    gateway.candidateErrorRate = 1;
    yield* inbox.setDown(true);
    yield* pass(20);
    assert.isNull(yield* active);
    assert.deepStrictEqual(yield* inbox.messages, []);
    yield* inbox.setDown(false);
    yield* pass(35);
    assert.deepStrictEqual(
      (yield* inbox.messages).map(({ action }) => action),
      ["trigger", "resolve"],
    );
  }).pipe(onAMorning),
);
