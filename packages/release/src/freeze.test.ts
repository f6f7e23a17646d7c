import * as assert from "node:assert/strict";
import { describe, it } from "@effect/vitest";
import { EVERY_APPLICATION } from "@sluice/contracts";
import * as Result from "effect/Result";
import { type ApplicationState, initialState, shareOf } from "./application-state.ts";
import { apply } from "./apply.ts";
import { decide } from "./decide.ts";
import { freezesToCopy, freezesToLift, MAX_FREEZES } from "./freeze.ts";
import { releaseStateOf } from "./release-state.ts";
import { routedDigests } from "./routing.ts";
import { application, at, bundle, commands, event, wayTo } from "./testing/samples.ts";
import { given, stateAfter } from "./testing/scenario.ts";

const registered = event("ApplicationRegistered");
const way = wayTo();
const frozen = event("ReleasesFrozen", { at: at(130) });
const stopped = event("ReleasesStopped", { at: at(130) });
const thawed = event("ReleasesUnfrozen", { at: at(430) });

describe("a freeze", () => {
  const forward = [
    [way.shadowPassed, event("CanaryStepStarted")],
    [way.canary, event("CanaryStepPassed", { at: at(160) })],
    [way.canary, event("HoldSkipped")],
    [way.stepPassed, event("CanaryStepStarted", { step: 1, share: 0.25 })],
    [way.lastStepPassed, event("ReleaseCompleted")],
  ] as const;
  for (const [history, next] of forward) {
    it(`forbids ${next._tag}`, () => given(registered, history, frozen).on(next).refused("frozen"));
    it(`that was lifted allows ${next._tag}`, () => void stateAfter(registered, history, frozen, thawed, next));
  }
  it("forbids nothing that takes users off the candidate, and nothing that no user meets", () => {
    const state = stateAfter(registered, way.canary, frozen, event("CanaryBreached"), event("ReleaseRolledBack"));
    assert.equal(state.ended["rel-1"]?.phase, "rolled-back");
    stateAfter(registered, way.canary, frozen, event("ReleaseAborted"));
    stateAfter(registered, way.completed, frozen, event("BaselineRolledBack"));
    stateAfter(registered, frozen, way.shadowPassed);
  });
  it("takes nothing of the time that a step is given, and counts once beside a pause", () => {
    const paused = event("ReleasePaused", { at: at(140) });
    const resumed = event("ReleaseResumed", { at: at(150) });
    const state = stateAfter(registered, way.canary, frozen, paused, resumed, thawed);
    assert.equal(state.active?.pausedMs, 300_000);
    assert.equal(state.active?.standsStillSince, null);
  });
  it("of two, the one that is left goes on freezing", () =>
    given(registered, way.stepPassed, frozen, event("ReleasesFrozen", { freezeId: "freeze-2" }), thawed)
      .on(event("CanaryStepStarted", { step: 1, share: 0.25 }))
      .refused("frozen"));
  it("is what the state waits for, with who said so and why", () => {
    const { active, freezes } = releaseStateOf(stateAfter(registered, way.canary, frozen));
    assert.match(active?.waitsFor ?? "", /^the end of a freeze by operator@example.org .*: seen in the logs$/);
    assert.equal(freezes?.length, 1);
  });
  it("is lifted once its end has come, by whoever looks at the clock", () => {
    const state = stateAfter(registered, frozen);
    assert.deepEqual(freezesToLift(state, at(8_999)), []);
    const [lift] = freezesToLift(state, at(9_000));
    given(registered, frozen)
      .when(lift ?? commands.LiftFreeze)
      .then([{ _tag: "ReleasesUnfrozen", author: null }]);
  });
});

describe("an emergency stop", () => {
  it("takes every user off the candidate by the fold itself, pages, and is rolled back", () => {
    const state = stateAfter(registered, way.canary, stopped);
    assert.equal(state.active && shareOf(state.active), 0);
    assert.deepEqual(routedDigests(state), [bundle("old").digest]);
    assert.deepEqual(
      state.pages.map(({ severity, sentence }) => [severity, sentence]),
      [["warning", "Emergency stop by operator@example.org: seen in the logs"]],
    );
    const over = stateAfter(registered, way.canary, stopped, event("MitigationConfirmed"), event("ReleaseRolledBack"));
    assert.equal(over.ended["rel-1"]?.phase, "rolled-back");
    assert.equal(over.freezes.length, 1, "the stop stays until it is lifted");
  });
  it("asks no candidate for anything in the shadow either, and lets the shadow go on once it is lifted", () => {
    assert.deepEqual(routedDigests(stateAfter(registered, way.shadow, stopped)), [bundle("old").digest]);
    given(registered, way.gatePassed, stopped).on(event("ShadowStarted")).refused("frozen");
    const lifted = stateAfter(registered, way.shadow, stopped, event("ReleasesUnfrozen", { freezeId: "stop-1" }));
    assert.equal(routedDigests(lifted).length, 2);
  });
  it("is not refused for the number of freezes that are in force; one more freeze or stop is", () => {
    const many = Array.from({ length: MAX_FREEZES }, (_, n) => event("ReleasesFrozen", { freezeId: `freeze-${n}` }));
    given(registered, way.canary, many)
      .on(event("ReleasesFrozen", { freezeId: "freeze-x" }))
      .refused("already-frozen");
    const state = stateAfter(registered, way.canary, many, stopped);
    assert.equal(state.active?.phase, "breached");
    given(registered, way.canary, many, stopped)
      .on(event("ReleasesStopped", { freezeId: "stop-2" }))
      .refused("already-frozen");
  });
  it("refuses a step that was decided before it and comes after it", () =>
    given(registered, way.stepPassed, stopped)
      .on(event("CanaryStepStarted", { step: 1, share: 0.25 }))
      .refused("wrong-phase"));
});

describe("what holds for all applications", () => {
  const everyone = (state: ApplicationState, ...commandsOfAll: ReadonlyArray<Parameters<typeof decide>[1]>) =>
    commandsOfAll.reduce(carriedOut, state);
  const carriedOut = (state: ApplicationState, command: Parameters<typeof decide>[1]): ApplicationState =>
    Result.getOrThrowWith(
      Result.map(decide(state, command), (events) =>
        events.reduce((before, one) => Result.getOrElse(apply(before, one), () => before), state),
      ),
      (refusal) => new Error(refusal.sentence),
    );
  const ofAll = { application: EVERY_APPLICATION, scope: "all" as const };
  const freezeAll = { ...commands.FreezeReleases, ...ofAll };
  const liftAll = { ...commands.LiftFreeze, application: EVERY_APPLICATION };
  const every = everyone(initialState(EVERY_APPLICATION), freezeAll);

  it("reaches an application that is registered later, once", () => {
    assert.deepEqual(freezesToCopy(every, initialState(application), at(1)), [], "not before it is registered");
    const [copy, ...more] = freezesToCopy(every, stateAfter(registered), at(1));
    assert.equal(more.length, 0);
    const state = everyone(stateAfter(registered), copy ?? freezeAll);
    assert.equal(state.freezes[0]?.scope, "all");
    assert.deepEqual(freezesToCopy(every, state, at(2)), []);
  });
  it("does not come back to an application that was exempted from it", () => {
    const exempted = everyone(stateAfter(registered), { ...freezeAll, application }, commands.LiftFreeze);
    assert.deepEqual(exempted.freezes, []);
    assert.deepEqual(freezesToCopy(every, exempted, at(2)), []);
  });
  it("is lifted where it was lifted for all, and not where that has not been heard of yet", () => {
    const state = everyone(stateAfter(registered), { ...freezeAll, application });
    assert.deepEqual(freezesToCopy(initialState(EVERY_APPLICATION), state, at(2)), []);
    const [lift] = freezesToCopy(everyone(every, liftAll), state, at(2));
    assert.deepEqual(everyone(state, lift ?? liftAll).freezes, []);
  });
  it("has a name that no application may take", () =>
    given()
      .on(event("ApplicationRegistered", { application: EVERY_APPLICATION }))
      .refused("reserved-name"));
});
