import * as assert from "node:assert/strict";
import { describe, it } from "@effect/vitest";
import { Policy } from "@sluice/contracts";
import * as Schema from "effect/Schema";
import { releaseStateOf } from "./release-state.ts";
import { at, author, commands, event, RELEASE, wayTo } from "./testing/samples.ts";
import { given, stateAfter } from "./testing/scenario.ts";

const blockedUnder = (override: (typeof Policy)["Encoded"]["override"]) => {
  const policy = Schema.decodeUnknownSync(Policy)({ override });
  return [event("ApplicationRegistered"), ...wayTo(RELEASE, { policy }).blocked];
};
const ada = { id: "ada@example.org", role: "approver" } as const;
const ben = { id: "ben@example.org", role: "admin" } as const;
const wish = { ...commands.OverrideGate, author: ada, at: at(100) };

describe("an override for a time", () => {
  const blocked = blockedUnder({});
  const overridden = [...blocked, event("GateOverridden", { at: at(100), expiresAt: at(200) })];

  it("ends its release as blocked when the time is over, in the shadow as in the canary", () => {
    const shadow = [...overridden, event("ShadowStarted", { at: at(110) })];
    const canary = [...shadow, event("ShadowPassed", { at: at(120) }), event("CanaryStepStarted", { at: at(130) })];
    for (const history of [overridden, shadow, canary])
      given(history)
        .on(event("OverrideExpired", { at: at(200) }))
        .leadsTo({ active: null, share: 0, blocked: [], ended: [`${RELEASE} blocked`] });
  });
  it("lets nothing go forward afterwards, whoever has not noticed", () => {
    given(overridden)
      .on(event("ShadowStarted", { at: at(199.999) }))
      .leadsTo({ active: `${RELEASE} shadow` });
    given(overridden)
      .on(event("ShadowStarted", { at: at(200) }))
      .refused("override-expired");
  });
  it("does not end before", () =>
    given(overridden)
      .on(event("OverrideExpired", { at: at(199) }))
      .refused("wrong-phase"));
  it("without an end does not end", () =>
    given(blocked, event("GateOverridden"))
      .on(event("OverrideExpired", { at: at(9_000) }))
      .refused("wrong-phase"));
  it("leaves a breach to its rollback", () => {
    const steps = ["ShadowStarted", "ShadowPassed", "CanaryStepStarted", "CanaryBreached"] as const;
    const breached = [...overridden, ...steps.map((tag) => event(tag, { at: at(150) }))];
    given(breached)
      .on(event("OverrideExpired", { at: at(200) }))
      .refused("wrong-phase");
    given(breached)
      .on(event("ReleaseRolledBack", { at: at(210) }))
      .leadsTo({ active: null });
  });
  it("must end in the future", () =>
    given(blocked)
      .when({ ...wish, expiresAt: at(100) })
      .refused("override-expired"));
  it("is told with the release's state", () => {
    const { active } = releaseStateOf(stateAfter(overridden));
    assert.deepEqual(
      [active?.overridden, active?.override?.expiresAt, active?.override?.reason],
      [true, at(200), "the cases are wrong"],
    );
  });
});

describe("the policy's terms of an override", () => {
  it("can demand an incident", () => {
    const blocked = blockedUnder({ incidentRequired: true });
    given(blocked)
      .when({ ...wish, incident: null })
      .refused("incident-required");
    given(blocked)
      .when(wish)
      .then([{ _tag: "GateOverridden", incident: "INC-7" }]);
  });
  it("can bound its time: what is asked without an end, or with a later one, gets the bound", () => {
    const blocked = blockedUnder({ maxDurationSeconds: 600 });
    for (const expiresAt of [null, at(5_000)])
      given(blocked)
        .when({ ...wish, expiresAt })
        .then([{ _tag: "GateOverridden", expiresAt: at(700) }]);
    given(blocked)
      .when({ ...wish, expiresAt: at(300) })
      .then([{ _tag: "GateOverridden", expiresAt: at(300) }]);
    given(blocked)
      .on(event("GateOverridden", { at: at(100), expiresAt: at(701) }))
      .refused("override-expired");
    given(blocked)
      .on(event("GateOverridden", { at: at(100) }))
      .refused("override-expired");
  });
});

describe("an override by two people", () => {
  const blocked = blockedUnder({ approvals: 2 });
  const proposal = event("OverrideProposed", { author: ada, at: at(50), incident: "INC-7", expiresAt: at(500) });
  const proposed = [...blocked, proposal];

  it("begins with a proposal, which changes nothing yet", () => {
    given(blocked)
      .when(wish)
      .then([{ _tag: "OverrideProposed", author: ada, incident: "INC-7" }]);
    given(blocked)
      .on(proposal)
      .leadsTo({ active: null, blocked: [RELEASE], share: 0 });
  });
  it("needs another person", () => {
    given(proposed).when(wish).refused("second-approver");
    for (const history of [blocked, proposed])
      given(history)
        .on(event("GateOverridden", { author: ada, at: at(60) }))
        .refused("second-approver");
  });
  it("is confirmed by one, who need not repeat the incident and cannot lengthen it", () =>
    given(proposed)
      .when({ ...wish, author: ben, incident: null, expiresAt: at(900) })
      .then([{ _tag: "GateOverridden", author: ben, proposedBy: ada, incident: "INC-7", expiresAt: at(500) }]));
  it("names both afterwards", () => {
    const { active } = releaseStateOf(stateAfter(proposed, event("GateOverridden", { author: ben, proposedBy: ada })));
    assert.deepEqual([active?.override?.author, active?.override?.proposedBy], [ben, ada]);
  });
  it("is not confirmed by a role that may not override", () =>
    given(proposed)
      .when({ ...wish, author: author("operator") })
      .refused("wrong-role"));
  it("is not confirmed when the proposal's time is over; it may be proposed anew", () => {
    const late = { ...wish, author: ben, at: at(500) };
    given(proposed)
      .when(late)
      .then([{ _tag: "OverrideProposed", author: ben }]);
    given(proposed)
      .on(event("GateOverridden", { author: ben, at: at(500) }))
      .refused("second-approver");
  });
  it("is not proposed where one person is enough", () =>
    given(blockedUnder({})).on(proposal).refused("second-approver"));
});

describe("an override by who asked for the release", () => {
  const blocked = (id: string) => {
    const [registered, ...rest] = blockedUnder({ approvals: 1 });
    const history = rest.map((one) =>
      one._tag === "ReleaseRequested" ? { ...one, author: { id, role: "admin" as const } } : one,
    );
    return [registered ?? event("ApplicationRegistered"), ...history];
  };
  const forged = event("GateOverridden", { author: { id: "Ada", role: "admin" }, at: at(100) });

  it("is ignored by every fold, whoever wrote it to the log, under whichever of their names", () => {
    for (const id of ["ada", "github:ada", "github:acme/shop@main:ada"])
      given(blocked(id)).on(forged).refused("separation-of-duty");
  });
  it("is somebody else's to give", () => void stateAfter(blocked("grace"), forged));
  it("is not confirmed by the same person under another name", () => {
    const history = blockedUnder({ approvals: 2 });
    const proposed = event("OverrideProposed", { author: { id: "ada", role: "approver" }, at: at(90) });
    const confirmed = event("GateOverridden", { author: { id: "github:Ada", role: "approver" }, at: at(100) });
    given(history, proposed).on(confirmed).refused("second-approver");
  });
});
