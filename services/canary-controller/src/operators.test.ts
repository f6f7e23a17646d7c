import { assert, it } from "@effect/vitest";
import { EVERY_APPLICATION, timestampOf } from "@sluice/contracts";
import { PagerInbox } from "@sluice/pager";
import { ReleaseLog } from "@sluice/release-log";
import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import {
  application,
  onAMorning,
  pass,
  passedShadow,
  policy,
  simulatedGateway,
} from "./application/controlled-stack.fixture.ts";
import { openWindows } from "./application/freeze-windows.ts";
import { active, afterShadow, find, recorded } from "./application/recorded-log.fixture.ts";
import { canaryControllerService } from "./canary-controller-service.ts";

const author = { id: "olga", role: "operator" } as const;
const now = Effect.map(Clock.currentTimeMillis, timestampOf);

it.effect("no step is taken in a recurring window, and the release goes on by itself when it is over", () =>
  Effect.gen(function* () {
    // The tests' morning begins at 09:00 UTC, which is 10:00 in Berlin.
    const freezeWindows = [{ name: "standup", from: "0 10 * * *", until: "1 10 * * *", timeZone: "Europe/Berlin" }];
    const events = yield* recorded;
    yield* simulatedGateway();
    yield* passedShadow({ ...policy(), freezeWindows });
    yield* canaryControllerService({});
    yield* pass(50);
    assert.deepStrictEqual(afterShadow(events), ["ReleasesFrozen"]);
    assert.include(find(events, "ReleasesFrozen"), {
      scope: "window",
      until: "2026-01-31T09:01:00.000Z",
      reason: "freeze window standup",
      author: null,
    });
    yield* pass(45);
    assert.deepStrictEqual(afterShadow(events).slice(1), [
      "ReleasesUnfrozen",
      "CanaryStepStarted 0",
      "CanaryStepPassed 0",
      "CanaryStepStarted 1",
      "CanaryStepPassed 1",
      "ReleaseCompleted",
    ]);
  }).pipe(onAMorning),
);

it.effect("a freeze outlasts the deadline of a step without a rollback, and a breach in it still rolls back", () =>
  Effect.gen(function* () {
    const events = yield* recorded;
    const gateway = yield* simulatedGateway();
    yield* passedShadow();
    yield* canaryControllerService({});
    yield* pass(3);
    const log = yield* ReleaseLog;
    const head = { application, at: yield* now, author, reason: "peak season" };
    yield* log.submit({ _tag: "FreezeReleases", ...head, freezeId: "frz-1", scope: "application", until: null });
    yield* pass(40);
    assert.deepStrictEqual(afterShadow(events), ["CanaryStepStarted 0", "ReleasesFrozen"]);
    gateway.candidateErrorRate = 0.6;
    yield* pass(15);
    assert.include(afterShadow(events), "CanaryBreached metric");
    assert.isNull(yield* active);
  }).pipe(onAMorning),
);

it.effect(
  "an emergency stop of all reaches a canary through the controller alone, and is confirmed by the gateways",
  () =>
    Effect.gen(function* () {
      const events = yield* recorded;
      const gateway = yield* simulatedGateway();
      yield* passedShadow();
      yield* canaryControllerService({});
      yield* pass(3);
      const log = yield* ReleaseLog;
      yield* log.submit({
        _tag: "StopReleases",
        application: EVERY_APPLICATION,
        at: yield* now,
        freezeId: "stop-1",
        scope: "all",
        author,
        reason: "the provider leaks prompts",
      });
      yield* pass(4);
      assert.isNull(gateway.served?.candidate ?? null);
      assert.includeMembers(
        [...afterShadow(events)],
        ["MitigationConfirmed", "ReleaseRolledBack", "PageSent", "PageResolved"],
      );
      const [page] = yield* (yield* PagerInbox).messages;
      assert.strictEqual(page?.severity, "warning");
      assert.match(page?.summary ?? "", /Emergency stop by olga: the provider leaks prompts/);
      const [notice] = yield* (yield* PagerInbox).notices;
      assert.strictEqual(notice?.phase, "rolled-back");
    }).pipe(onAMorning),
);

it("windows follow local time through the change of the clocks", () => {
  const weekend = [{ name: "weekend", from: "0 17 * * FRI", until: "0 8 * * MON", timeZone: "Europe/Berlin" }];
  const untilOf = (instant: string) => openWindows(weekend, instant)[0]?.until;
  // Summer time ends on 25 October 2026: Friday 17:00 is 15:00 UTC, Monday 08:00 is 07:00 UTC.
  assert.isUndefined(untilOf("2026-10-23T14:59:59.999Z"));
  assert.strictEqual(untilOf("2026-10-23T15:00:00.000Z"), "2026-10-26T07:00:00.000Z");
  assert.strictEqual(untilOf("2026-10-26T06:59:59.999Z"), "2026-10-26T07:00:00.000Z");
  assert.isUndefined(untilOf("2026-10-26T07:00:00.000Z"));
});
