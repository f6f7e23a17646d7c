import * as assert from "node:assert/strict";
import { describe, it } from "@effect/vitest";
import { policyDigest, type ReleaseEvent } from "@sluice/contracts";
import * as Result from "effect/Result";
import { decide } from "./decide.ts";
import { evolve } from "./fold.ts";
import {
  at,
  author,
  bundle,
  canaryEvidence,
  commands,
  event,
  gateReport,
  policy,
  RELEASE,
  shadowEvidence,
  wayTo,
} from "./testing/samples.ts";
import { given, stateAfter } from "./testing/scenario.ts";

const registered = event("ApplicationRegistered");
const way = wayTo();
const digest = policyDigest(policy);
const releaseId = RELEASE;

describe("applications and requests", () => {
  it("registering an application gives it a baseline", () =>
    given()
      .when(commands.RegisterApplication)
      .then([{ _tag: "ApplicationRegistered", baseline: bundle("old") }]));
  it("an application has one registration", () =>
    given(registered).when(commands.RegisterApplication).refused("already-registered"));
  it("a request names all that the release needs", () => {
    const { _tag, ...wish } = commands.RequestRelease;
    given(registered)
      .when(commands.RequestRelease)
      .then([{ _tag: "ReleaseRequested", ...wish }]);
  });
  it("a request needs a registered application", () =>
    given().when(commands.RequestRelease).refused("unknown-application"));
});

describe("the gate", () => {
  const events = {
    passed: "OfflineGatePassed",
    blocked: "OfflineGateBlocked",
    inconclusive: "OfflineGateInconclusive",
    invalid: "OfflineGateInvalid",
  } as const;
  for (const verdict of ["passed", "blocked", "inconclusive", "invalid"] as const)
    it(`a report that is ${verdict} becomes ${events[verdict]} under the policy of the release`, () =>
      given(registered, way.requested)
        .when({ ...commands.RecordGateReport, report: gateReport(verdict) })
        .then([{ _tag: events[verdict], releaseId, report: gateReport(verdict), policyDigest: digest }]));
  it("a second report is too late", () =>
    given(registered, way.gatePassed).when(commands.RecordGateReport).refused("wrong-phase"));
  it("an override carries who, why and for which incident", () =>
    given(registered, way.blocked)
      .when(commands.OverrideGate)
      .then([{ _tag: "GateOverridden", releaseId, author: author("approver"), incident: "INC-7" }]));
  it("an override needs the role", () =>
    given(registered, way.blocked)
      .when({ ...commands.OverrideGate, author: author("ci") })
      .refused("wrong-role"));
  it("what passed cannot be overridden", () =>
    given(registered, way.gatePassed).when(commands.OverrideGate).refused("wrong-phase"));
});

describe("the shadow", () => {
  it("starts at the sample rate of the policy", () =>
    given(registered, way.gatePassed)
      .when(commands.StartShadow)
      .then([{ _tag: "ShadowStarted", releaseId, sampleRate: 1 }]));
  it("does not start before the gate passed", () =>
    given(registered, way.requested).when(commands.StartShadow).refused("wrong-phase"));
  it("starts after an override", () =>
    given(registered, way.blocked, event("GateOverridden"))
      .when(commands.StartShadow)
      .then([{ _tag: "ShadowStarted", releaseId }]));
  const events = {
    passed: "ShadowPassed",
    regressed: "ShadowRegressed",
    inconclusive: "ShadowInconclusive",
  } as const;
  for (const verdict of ["passed", "regressed", "inconclusive"] as const)
    it(`a verdict of ${verdict} becomes ${events[verdict]} with its evidence`, () =>
      given(registered, way.shadow)
        .when({ ...commands.RecordShadowVerdict, verdict })
        .then([{ _tag: events[verdict], releaseId, evidence: shadowEvidence, policyDigest: digest }]));
});

describe("the canary", () => {
  it("starts at the first step of the policy", () =>
    given(registered, way.shadowPassed)
      .when(commands.StartCanary)
      .then([{ _tag: "CanaryStepStarted", releaseId, step: 0, share: 0.01 }]));
  it("does not start before the shadow passed", () =>
    given(registered, way.shadow).when(commands.StartCanary).refused("wrong-phase"));
  it("advances: the step passes and its successor starts", () =>
    given(registered, way.canary)
      .when(commands.AdvanceCanary)
      .then([
        { _tag: "CanaryStepPassed", releaseId, step: 0, evidence: canaryEvidence(0), policyDigest: digest },
        { _tag: "CanaryStepStarted", releaseId, step: 1, share: 0.25 },
      ]));
  it("advances past the last step: the release completes", () =>
    given(registered, way.lastStep)
      .when({ ...commands.AdvanceCanary, evidence: canaryEvidence(2) })
      .then([
        { _tag: "CanaryStepPassed", releaseId, step: 2 },
        { _tag: "ReleaseCompleted", releaseId, baseline: bundle("new").digest },
      ]));
  it("advances after a crash between the two events: only the missing one is decided", () => {
    given(registered, way.stepPassed)
      .when(commands.AdvanceCanary)
      .then([{ _tag: "CanaryStepStarted", step: 1, share: 0.25 }]);
    given(registered, way.lastStepPassed)
      .when({ ...commands.AdvanceCanary, evidence: canaryEvidence(2) })
      .then([{ _tag: "ReleaseCompleted", releaseId }]);
  });
  it("does not pass a step on the evidence of another", () => {
    given(registered, way.lastStep).when(commands.AdvanceCanary).refused("wrong-step");
    given(registered, way.canary)
      .when({ ...commands.AdvanceCanary, evidence: canaryEvidence(1) })
      .refused("wrong-step");
  });
  it("does not advance before the hold is over", () =>
    given(registered, way.canary)
      .when({ ...commands.AdvanceCanary, at: at(159) })
      .refused("hold-not-over"));
  it("holds with a cause, a limit, and what it waits for", () =>
    given(registered, way.canary)
      .when(commands.HoldCanary)
      .then([{ _tag: "CanaryHeld", releaseId, step: 0, cause: "no-data", waitsFor: "data", until: at(900) }]));
  it("ends a hold, and each one anew", () => {
    const held = [registered, ...way.canary, event("CanaryHeld")];
    given(held)
      .when(commands.EndHold)
      .then([{ _tag: "CanaryHoldEnded", releaseId, step: 0 }]);
    given(registered, way.canary).when(commands.EndHold).refused("not-held");
    const again = [...held, event("CanaryHoldEnded"), event("CanaryHeld")];
    given(again)
      .when(commands.EndHold)
      .then([{ _tag: "CanaryHoldEnded", releaseId, step: 0 }]);
  });
  it("breaches with one sentence", () =>
    given(registered, way.canary)
      .when(commands.BreachCanary)
      .then([{ _tag: "CanaryBreached", releaseId, step: 0, cause: "metric", sentence: "error rate 9 % against 1 %" }]));
  it("breaches once", () =>
    given(registered, way.breached)
      .when({ ...commands.BreachCanary, cause: "ceiling" })
      .refused("wrong-phase"));
  it("confirms the mitigation", () =>
    given(registered, way.breached)
      .when(commands.ConfirmMitigation)
      .then([{ _tag: "MitigationConfirmed", releaseId, routingVersion: 7 }]));
  it("rolls back to the baseline the release was gated against, and says why", () =>
    given(registered, way.breached)
      .when(commands.RollBackRelease)
      .then([
        {
          _tag: "ReleaseRolledBack",
          releaseId,
          to: bundle("old").digest,
          sentence: "error rate 9 % against 1 %",
          unacknowledged: ["gw-2"],
        },
      ]));
  it("rolls back only what is breached", () =>
    given(registered, way.canary).when(commands.RollBackRelease).refused("wrong-phase"));
});

describe("operators", () => {
  const said = { author: author(), reason: "seen in the logs" };
  it("pause", () =>
    given(registered, way.canary)
      .when(commands.PauseRelease)
      .then([{ _tag: "ReleasePaused", releaseId, ...said }]));
  it("resume", () =>
    given(registered, way.canary, event("ReleasePaused"))
      .when(commands.ResumeRelease)
      .then([{ _tag: "ReleaseResumed", releaseId, ...said }]));
  it("skip the hold of the present step", () =>
    given(registered, way.lastStep)
      .when(commands.SkipHold)
      .then([{ _tag: "HoldSkipped", releaseId, step: 2, ...said }]));
  it("abort, also a queued release", () => {
    given(registered, way.canary)
      .when(commands.AbortRelease)
      .then([{ _tag: "ReleaseAborted", releaseId, ...said }]);
    given(registered, wayTo("rel-0", { candidate: bundle("older") }).requested, way.requested)
      .when(commands.AbortRelease)
      .then([{ _tag: "ReleaseAborted", releaseId, ...said }]);
  });
  it("roll the baseline back", () =>
    given(registered, way.completed)
      .when(commands.RollBackBaseline)
      .then([{ _tag: "BaselineRolledBack", to: bundle("old").digest, ...said }]));
  it("are told that a release is unknown, or has ended", () => {
    given(registered).when(commands.AbortRelease).refused("unknown-release");
    given(registered, way.completed).when(commands.AbortRelease).refused("release-ended");
  });
});

describe("pages", () => {
  it("are recorded as sent, then as resolved", () => {
    const { dedupKey } = commands.RecordPageSent;
    given(registered, way.breached)
      .when(commands.RecordPageSent)
      .then([{ _tag: "PageSent", dedupKey, channel: "webhook" }]);
    given(registered, way.breached, event("PageSent"), event("ReleaseRolledBack"))
      .when(commands.RecordPageResolved)
      .then([{ _tag: "PageResolved", dedupKey, channel: "webhook" }]);
  });
  it("that nobody waits for are refused", () =>
    given(registered, way.canary).when(commands.RecordPageSent).refused("unknown-page"));
});

describe("event ids come from the cause", () => {
  const decided = (history: ReadonlyArray<ReleaseEvent>, command: Parameters<typeof decide>[1]) =>
    Result.getOrThrowWith(decide(stateAfter(history), command), (refusal) => new Error(refusal.sentence));
  const past = [registered, ...way.canary];

  it("the same decision at another time is the same event", () => {
    const [first] = decided(past, commands.BreachCanary);
    const [again] = decided(past, { ...commands.BreachCanary, at: at(501) });
    assert.equal(first?.eventId, again?.eventId);
  });
  it("a repeated command of a person is a duplicate, the same words once more are not", () => {
    const state = decided(past, commands.PauseRelease).reduce(evolve, stateAfter(past));
    const resumed = decided([...past, event("ReleasePaused")], commands.ResumeRelease).reduce(evolve, state);
    const again = decide(resumed, commands.PauseRelease);
    assert.equal(Result.isFailure(again) && again.failure.code, "duplicate");
    assert.ok(Result.isSuccess(decide(resumed, { ...commands.PauseRelease, commandId: "command-2" })));
  });
  it("two applications may use the same releaseId", () => {
    const elsewhere = past.map((one): ReleaseEvent => ({ ...one, application: "other-bot" }));
    const [here] = decided(past, commands.BreachCanary);
    const [there] = decided(elsewhere, { ...commands.BreachCanary, application: "other-bot" });
    assert.notEqual(here?.eventId, there?.eventId);
  });
  it("the same request again is a duplicate, another one under its id is refused", () => {
    const state = decided([registered], commands.RequestRelease).reduce(evolve, stateAfter([registered]));
    const again = decide(state, { ...commands.RequestRelease, at: at(900) });
    assert.equal(Result.isFailure(again) && again.failure.code, "duplicate");
    const another = decide(state, { ...commands.RequestRelease, candidate: bundle("newer") });
    assert.equal(Result.isFailure(another) && another.failure.code, "release-exists");
  });
  it("the same registration again is a duplicate, another baseline is refused", () => {
    const state = decided([], commands.RegisterApplication).reduce(evolve, stateAfter());
    const again = decide(state, commands.RegisterApplication);
    assert.equal(Result.isFailure(again) && again.failure.code, "duplicate");
    const another = decide(state, { ...commands.RegisterApplication, baseline: bundle("other") });
    assert.equal(Result.isFailure(another) && another.failure.code, "already-registered");
  });
  it("a hold that comes again is another event", () => {
    const held = decided(past, commands.HoldCanary);
    const state = held.reduce(evolve, stateAfter(past));
    const again = Result.getOrThrowWith(decide(state, commands.HoldCanary), (refusal) => new Error(refusal.sentence));
    assert.notEqual(held[0]?.eventId, again[0]?.eventId);
  });
});
