import { assert, describe, it } from "@effect/vitest";
import type { ReleaseEvent } from "@sluice/contracts";
import { at, canaryEvidence, event, wayTo } from "@sluice/release/testing/samples";
import { stateAfter } from "@sluice/release/testing/scenario";
import type { CanaryEvaluation } from "./evaluate-canary.ts";
import { type Facts, plan } from "./plan.ts";

const way = wayTo();
const registered = event("ApplicationRegistered");
const nothing: Facts = { step: null, mitigation: { gateways: [], unacknowledged: [] }, passedEvidence: null };
const acknowledged = { gatewayId: "gw-1", acknowledgedAt: at(131) };

const planned = (history: ReadonlyArray<ReleaseEvent>, facts: Partial<Facts> = {}, seconds = 140) =>
  plan(stateAfter(registered, history), at(seconds), { ...nothing, ...facts });
const tags = (...input: Parameters<typeof planned>) => planned(...input).map((command) => command._tag);

describe("the controller's plan", () => {
  it("starts the canary once the shadow has passed, unless paused", () => {
    assert.deepStrictEqual(tags(way.shadowPassed), ["StartCanary"]);
    assert.deepStrictEqual(tags([...way.shadowPassed, event("ReleasePaused")]), []);
    assert.deepStrictEqual(tags(way.shadow), []);
  });

  it("does nothing in a step of which it knows nothing yet", () => {
    assert.deepStrictEqual(tags(way.canary), []);
  });

  it("starts the successor of a passed step that a crash has left out", () => {
    assert.deepStrictEqual(tags(way.stepPassed, { passedEvidence: canaryEvidence(0) }), ["AdvanceCanary"]);
    assert.deepStrictEqual(tags(way.stepPassed), []);
  });

  it("breaches between two steps as well, and decides nothing else while paused there", () => {
    const paused = [...way.stepPassed, event("ReleasePaused", { at: at(161) })];
    const evidence = canaryEvidence(0);
    const fine = { evidence, breach: null, hold: null };
    const breach = { cause: "metric", sentence: "errors 9 % against 1 %", since: at(170) } as const;
    const seen = (evaluation: CanaryEvaluation) => ({ step: { evaluation, fault: null }, passedEvidence: evidence });
    assert.deepStrictEqual(tags(paused, seen(fine), 9_999), []);
    for (const history of [paused, way.stepPassed]) {
      const [command, ...others] = planned(history, seen({ ...fine, breach }), 9_999);
      assert.deepStrictEqual(command?._tag === "BreachCanary" && [command.cause, others], ["metric", []]);
    }
  });

  it("confirms mitigation when every live gateway has acknowledged, then rolls back", () => {
    const mitigation = { gateways: [acknowledged], unacknowledged: [] };
    assert.deepStrictEqual(tags(way.breached, { mitigation }), ["ConfirmMitigation"]);
    const confirmed = [...way.breached, event("MitigationConfirmed", { at: at(132) })];
    assert.deepStrictEqual(tags(confirmed, { mitigation }), ["RollBackRelease"]);
  });

  it("waits for a missing gateway until the mitigation deadline, then names it", () => {
    const mitigation = { gateways: [acknowledged], unacknowledged: ["gw-2"] };
    assert.deepStrictEqual(tags(way.breached, { mitigation }, 189), []);
    const [command] = planned(way.breached, { mitigation }, 190);
    assert.deepStrictEqual(command?._tag === "RollBackRelease" && command.unacknowledged, ["gw-2"]);
  });

  it("does not take silence for mitigation: without any gateway it waits for the deadline", () => {
    assert.deepStrictEqual(tags(way.breached, {}, 150), []);
    assert.deepStrictEqual(tags(way.breached, {}, 190), ["RollBackRelease"]);
  });
});
