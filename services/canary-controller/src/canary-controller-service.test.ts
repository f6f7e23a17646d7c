import { assert, it } from "@effect/vitest";
import { type CanaryProgress, canaryProgressTopic, routingTopic, timestampOf } from "@sluice/contracts";
import { EventBus } from "@sluice/event-bus";
import { PagerInbox } from "@sluice/pager";
import { ReleaseLog } from "@sluice/release-log";
import { randomSource } from "@sluice/statistics";
import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import * as Scope from "effect/Scope";
import { TestClock } from "effect/testing";
import {
  application,
  type ControllerPorts,
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

it.effect("a routing of another instance that is older and came later is corrected", () =>
  Effect.gen(function* () {
    const bus = yield* EventBus;
    const gateway = yield* simulatedGateway();
    yield* passedShadow();
    yield* canaryControllerService({});
    yield* pass(3);
    const newest = gateway.given.at(-1);
    assert.isDefined(newest);
    if (!newest) return;
    yield* bus.publish(routingTopic, [{ ...newest, version: newest.version - 1 }]);
    yield* pass(2);
    assert.strictEqual(gateway.given.at(-1)?.version, newest.version);
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

/** Passes its first step, and breaks in the second one. */
const breaksInItsSecondStep = policy({
  steps: [0.2, 0.5, 1].map((share, i) => ({ share, holdSeconds: i === 0 ? 4 : 600, minRequests: 40 })),
});

/** The release's log, where it ended and whom it paged, under a controller that `lives` as it says. */
const storyUnder = (lives: (second: Effect.Effect<void>) => Effect.Effect<void, unknown, ControllerPorts>) =>
  Effect.gen(function* () {
    const events = yield* recorded;
    const gateway = yield* simulatedGateway();
    yield* passedShadow(breaksInItsSecondStep);
    const log = yield* ReleaseLog;
    const breakInSecondStep = Effect.sync(() => {
      if (log.applications().get(application)?.active?.step === 1) gateway.candidateErrorRate = 0.6;
    });
    yield* lives(breakInSecondStep);
    yield* canaryControllerService();
    for (let second = 0; second < 20; second++) yield* Effect.andThen(breakInSecondStep, pass(1));
    // Repeated decisions are the same events: the log's readers see each of them once.
    const decided = [...new Map(events.map((event) => [event.eventId, event])).values()];
    const inbox = yield* PagerInbox;
    return {
      words: afterShadow(decided),
      // Ids follow from causes, so equal ids are equal decisions; who was first, page or mitigation, is a matter of chance.
      ids: decided.map(({ eventId }) => eventId).sort(),
      ended: log.applications().get(application)?.last?.phase,
      pages: [...new Set((yield* inbox.messages).map(({ action, dedupKey }) => `${action} ${dedupKey}`))],
    };
  }).pipe(Effect.scoped, onAMorning);

it.effect("controllers that crash at 200 random instants leave the log, the end and the page that one would have", () =>
  Effect.gen(function* () {
    const undisturbed = yield* storyUnder(() => Effect.void);
    assert.deepStrictEqual(undisturbed.words.slice(0, 4), [
      "CanaryStepStarted 0",
      "CanaryStepPassed 0",
      "CanaryStepStarted 1",
      "CanaryBreached metric",
    ]);
    const random = randomSource(11);
    const crashing = yield* storyUnder((breakInSecondStep) =>
      Effect.gen(function* () {
        for (let life = 0; life < 200; life++) {
          yield* breakInSecondStep;
          const scope = yield* Scope.make();
          yield* Scope.provide(canaryControllerService(), scope);
          // It dies at whatever it is doing: some lives are too short to do anything.
          yield* TestClock.adjust(`${Math.floor(300 * random())} millis`);
          for (let turn = Math.floor(60 * random()); turn > 0; turn--) yield* Effect.yieldNow;
          yield* Scope.close(scope, Exit.void);
        }
      }),
    );
    assert.deepStrictEqual(crashing.ids, undisturbed.ids);
    assert.deepStrictEqual([...crashing.words].sort(), [...undisturbed.words].sort());
    assert.deepStrictEqual([crashing.ended, undisturbed.ended], ["rolled-back", "rolled-back"]);
    assert.deepStrictEqual(crashing.pages, undisturbed.pages);
    assert.strictEqual(crashing.pages.filter((page) => page.startsWith("trigger")).length, 1);
  }),
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

it.effect("who has seen a later routing than its own fold would make says nothing until it has caught up", () =>
  Effect.gen(function* () {
    const bus = yield* EventBus;
    const gateway = yield* simulatedGateway();
    yield* passedShadow(policy({ maxUnwatchedSeconds: 6, steps: [{ share: 1, holdSeconds: 3_600, minRequests: 1 }] }));
    yield* canaryControllerService({});
    yield* pass(2);
    const last = gateway.given.at(-1);
    assert.isDefined(last);
    if (!last) return;
    yield* bus.publish(routingTopic, [{ ...last, version: last.version + 1 }]);
    yield* pass(12);
    assert.strictEqual(gateway.given.at(-1)?.version, last.version + 1);
    const log = yield* ReleaseLog;
    const at = timestampOf(yield* Clock.currentTimeMillis);
    const said = { author: { id: "ada", role: "admin" }, reason: "enough", commandId: "c-1" } as const;
    yield* log.submit({ _tag: "AbortRelease", application, releaseId, at, ...said });
    yield* pass(2);
    assert.isAbove(gateway.given.at(-1)?.version ?? 0, last.version);
    assert.isNull(gateway.given.at(-1)?.candidate);
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
