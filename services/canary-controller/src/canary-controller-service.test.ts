import { assert, it } from "@effect/vitest";
import { type CanaryProgress, canaryProgressTopic } from "@sluice/contracts";
import { EventBus } from "@sluice/event-bus";
import { PagerInbox } from "@sluice/pager";
import { randomSource } from "@sluice/statistics";
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import * as Scope from "effect/Scope";
import { TestClock } from "effect/testing";
import {
  application,
  onAMorning,
  pass,
  passedShadow,
  policy,
  releaseId,
  simulatedGateway,
} from "./application/controlled-stack.fixture.ts";
import { active, afterShadow, find, recorded, secondsBetween } from "./application/recorded-log.fixture.ts";
import { canaryControllerService } from "./canary-controller-service.ts";

it.effect("a candidate that is as good goes from its shadow to 100 %, step by step", () =>
  Effect.gen(function* () {
    const events = yield* recorded;
    const gateway = yield* simulatedGateway();
    yield* passedShadow();
    yield* canaryControllerService({});
    yield* pass(30);
    assert.deepStrictEqual(afterShadow(events), [
      "CanaryStepStarted 0",
      "CanaryStepPassed 0",
      "CanaryStepStarted 1",
      "CanaryStepPassed 1",
      "ReleaseCompleted",
    ]);
    const shares = gateway.given.map(({ candidate }) => candidate?.share ?? null);
    assert.deepStrictEqual([...new Set(shares)], [0, 0.2, 1, null]);
    assert.strictEqual(gateway.served?.baseline.digest, find(events, "ReleaseCompleted").baseline);
    const passed = find(events, "CanaryStepPassed");
    assert.isAtLeast(secondsBetween(find(events, "CanaryStepStarted").at, passed.evidence.window.to), 6);
    assert.isAtMost(secondsBetween(passed.evidence.window.to, passed.at), 2);
  }).pipe(onAMorning),
);

it.effect(
  "a candidate with errors is pinned within seconds, paged once, and rolled back when every gateway says so",
  () =>
    Effect.gen(function* () {
      const events = yield* recorded;
      const gateways = [yield* simulatedGateway("gw-1"), yield* simulatedGateway("gw-2")];
      yield* passedShadow();
      yield* canaryControllerService({});
      yield* pass(3);
      for (const gateway of gateways) gateway.candidateErrorRate = 0.5;
      yield* pass(12);
      assert.deepStrictEqual(afterShadow(events), [
        "CanaryStepStarted 0",
        "CanaryBreached metric",
        "PageSent",
        "MitigationConfirmed",
        "ReleaseRolledBack",
        "PageResolved",
      ]);
      const breach = find(events, "CanaryBreached");
      assert.match(breach.sentence, /error rate is \d+\.\d\d % on the candidate/);
      assert.isAtMost(secondsBetween(breach.since, breach.at), 5);
      const confirmed = find(events, "MitigationConfirmed");
      assert.deepStrictEqual(confirmed.gateways.map(({ gatewayId }) => gatewayId).sort(), ["gw-1", "gw-2"]);
      assert.isAtMost(secondsBetween(breach.at, confirmed.at), 1);
      const inbox = yield* PagerInbox;
      assert.deepStrictEqual(
        (yield* inbox.messages).map(({ action, dedupKey }) => [action, dedupKey]),
        [
          ["trigger", `sluice/${application}/${releaseId}/breach`],
          ["resolve", `sluice/${application}/${releaseId}/breach`],
        ],
      );
      const served = gateways.map((gateway) => gateway.candidateRequests);
      yield* pass(5);
      assert.deepStrictEqual(
        gateways.map((gateway) => gateway.candidateRequests),
        served,
      );
    }).pipe(onAMorning),
);

it.effect("without requests a step holds, says what it waits for once, and is rolled back at its deadline", () =>
  Effect.gen(function* () {
    const events = yield* recorded;
    const gateway = yield* simulatedGateway();
    gateway.requestsPerSecond = 0;
    yield* passedShadow();
    yield* canaryControllerService({});
    yield* pass(15);
    assert.deepStrictEqual(afterShadow(events), ["CanaryStepStarted 0", "CanaryHeld no-data"]);
    yield* pass(20);
    assert.deepStrictEqual(afterShadow(events).slice(1, 3), ["CanaryHeld no-data", "CanaryBreached hold-deadline"]);
    assert.match(find(events, "CanaryBreached").sentence, /40 more requests on the candidate/);
    assert.isNull(yield* active);
  }).pipe(onAMorning),
);

it.effect("controllers that are killed at 200 random instants decide what one would have, and page once", () =>
  Effect.gen(function* () {
    const events = yield* recorded;
    const gateway = yield* simulatedGateway();
    yield* passedShadow();
    const random = randomSource(11);
    for (let life = 0; life < 200; life++) {
      if (life === 60) gateway.candidateErrorRate = 0.6;
      const scope = yield* Scope.make();
      yield* Scope.provide(canaryControllerService(), scope);
      // It dies at whatever it is doing: some lives are too short to do anything.
      yield* TestClock.adjust(`${Math.floor(300 * random())} millis`);
      for (let turn = Math.floor(60 * random()); turn > 0; turn--) yield* Effect.yieldNow;
      yield* Scope.close(scope, Exit.void);
    }
    // Repeated decisions are the same events: the log's readers see each of them once.
    const decided = new Map(events.map((event) => [event.eventId, event]));
    assert.deepStrictEqual(
      afterShadow([...decided.values()]).filter((words) => !words.startsWith("CanaryStep")),
      ["CanaryBreached metric", "PageSent", "MitigationConfirmed", "ReleaseRolledBack", "PageResolved"],
    );
    assert.isNull(yield* active);
    const inbox = yield* PagerInbox;
    const keys = new Set((yield* inbox.messages).map(({ action, dedupKey }) => `${action} ${dedupKey}`));
    assert.strictEqual(keys.size, 2);
  }).pipe(onAMorning),
);

it.effect("two controllers at once change nothing", () =>
  Effect.gen(function* () {
    const events = yield* recorded;
    yield* simulatedGateway();
    yield* passedShadow();
    yield* canaryControllerService({});
    yield* canaryControllerService({});
    yield* pass(30);
    assert.deepStrictEqual(
      [...new Set(afterShadow(events))],
      ["CanaryStepStarted 0", "CanaryStepPassed 0", "CanaryStepStarted 1", "CanaryStepPassed 1", "ReleaseCompleted"],
    );
  }).pipe(onAMorning),
);

it.effect("routing is repeated while a candidate has users, so that gateways know it is watched", () =>
  Effect.gen(function* () {
    const gateway = yield* simulatedGateway();
    yield* passedShadow(policy({ maxUnwatchedSeconds: 6, steps: [{ share: 1, holdSeconds: 3_600, minRequests: 1 }] }));
    yield* canaryControllerService({});
    yield* pass(2);
    const before = gateway.given.length;
    const version = gateway.served?.version;
    yield* pass(12);
    const repeated = gateway.given.slice(before);
    assert.isAtLeast(repeated.length, 5);
    assert.isTrue(repeated.every((routing) => routing.version === version));
  }).pipe(onAMorning),
);

it.effect("routing is repeated in a step that has no requests yet: it is watched all the same", () =>
  Effect.gen(function* () {
    const gateway = yield* simulatedGateway();
    gateway.requestsPerSecond = 0;
    yield* passedShadow(policy({ maxUnwatchedSeconds: 6, holdDeadlineSeconds: 600 }));
    yield* canaryControllerService({});
    yield* pass(10);
    const before = gateway.given.length;
    yield* pass(12);
    assert.isAtLeast(gateway.given.length - before, 5);
  }).pipe(onAMorning),
);

it.effect("how a step stands is told while it lasts, no more often than every two seconds", () =>
  Effect.gen(function* () {
    const bus = yield* EventBus;
    const told: Array<CanaryProgress> = [];
    yield* bus.follow(canaryProgressTopic, (batch) =>
      Effect.sync(() => {
        told.push(...batch.map(({ event }) => event));
      }),
    );
    yield* simulatedGateway();
    yield* passedShadow();
    yield* canaryControllerService({});
    yield* pass(30);
    assert.deepStrictEqual([...new Set(told.map(({ step }) => step))], [0, 1]);
    const apart = told.slice(1).map(({ at }, i) => secondsBetween(told[i]?.at ?? at, at));
    assert.isAtLeast(Math.min(...apart), 2);
    const last = told.filter(({ step }) => step === 0).at(-1);
    assert.isAbove(last?.windows ?? 0, 2);
    assert.isTrue(last?.checks.some(({ check, candidate }) => check === "errorRate" && candidate.value === 0));
  }).pipe(onAMorning),
);
