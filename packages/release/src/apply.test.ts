import * as assert from "node:assert/strict";
import { describe, it } from "@effect/vitest";
import type { ReleaseEvent, ReleaseEventType } from "@sluice/contracts";
import { shareOf } from "./application-state.ts";
import { MAX_QUEUED } from "./apply.ts";
import { MAX_BLOCKED } from "./end-release.ts";
import type { Refusal } from "./refusal.ts";
import { releaseStateOf } from "./release-state.ts";
import {
  at,
  author,
  bundle,
  canaryEvidence,
  dedupKeyOf,
  event,
  eventTypes,
  policyWith,
  RELEASE,
  wayTo,
} from "./testing/samples.ts";
import { given, stateAfter } from "./testing/scenario.ts";

const registered = event("ApplicationRegistered");
const way = wayTo();
const olderRelease = wayTo("rel-0", { candidate: bundle("older") });

const situations = {
  unregistered: [],
  registered: [registered],
  queued: [registered, ...olderRelease.requested, ...way.requested],
  requested: [registered, ...way.requested],
  "gate-passed": [registered, ...way.gatePassed],
  shadow: [registered, ...way.shadow],
  "shadow-passed": [registered, ...way.shadowPassed],
  canary: [registered, ...way.canary],
  "step-passed": [registered, ...way.stepPassed],
  breached: [registered, ...way.breached],
  blocked: [registered, ...way.blocked],
  ended: [registered, ...way.completed],
} as const satisfies Record<string, ReadonlyArray<ReleaseEvent>>;
type Situation = keyof typeof situations;
type Row = { readonly [S in Situation]?: Refusal["code"] | `to ${string}` };

/** What a release in each situation answers to an event that is not meant for it. */
const otherwise: Required<Row> = {
  unregistered: "unknown-release",
  registered: "unknown-release",
  queued: "wrong-phase",
  requested: "wrong-phase",
  "gate-passed": "wrong-phase",
  shadow: "wrong-phase",
  "shadow-passed": "wrong-phase",
  canary: "wrong-phase",
  "step-passed": "wrong-phase",
  breached: "wrong-phase",
  blocked: "wrong-phase",
  ended: "release-ended",
};
const everywhere = (answer: Refusal["code"]): Required<Row> => ({
  ...otherwise,
  ...Object.fromEntries(Object.keys(otherwise).map((situation) => [situation, answer])),
});
const inProgress = (answer: Refusal["code"]): Row => ({
  requested: answer,
  "gate-passed": answer,
  shadow: answer,
  "shadow-passed": answer,
  canary: answer,
  "step-passed": answer,
});
const staysWhereItIs: Row = {
  requested: "to requested",
  "gate-passed": "to gate-passed",
  shadow: "to shadow",
  "shadow-passed": "to shadow-passed",
  canary: "to canary",
  "step-passed": "to canary",
};

const leavesEverythingWhereItIs: Row = {
  ...staysWhereItIs,
  unregistered: "unknown-application",
  registered: "to nowhere",
  queued: "to queued",
  breached: "to breached",
  blocked: "to blocked",
  ended: "to completed",
};

/** The whole lifecycle: each event in each situation. What a row does not name is answered as in `otherwise`. */
const transitions: { readonly [Tag in ReleaseEventType]: Row } = {
  ApplicationRegistered: { ...everywhere("already-registered"), unregistered: "to nowhere" },
  ReleaseRequested: {
    ...everywhere("release-exists"),
    unregistered: "unknown-application",
    registered: "to requested",
  },
  OfflineGatePassed: { requested: "to gate-passed" },
  OfflineGateBlocked: { requested: "to blocked" },
  OfflineGateInconclusive: { requested: "to blocked" },
  OfflineGateInvalid: { requested: "to blocked" },
  OverrideProposed: { blocked: "second-approver" },
  GateOverridden: { blocked: "to gate-passed" },
  OverrideExpired: {},
  ShadowStarted: { "gate-passed": "to shadow" },
  ShadowPassed: { shadow: "to shadow-passed" },
  ShadowRegressed: { shadow: "to regressed" },
  ShadowInconclusive: { shadow: "to inconclusive" },
  CanaryStepStarted: { "shadow-passed": "to canary", canary: "wrong-step", "step-passed": "wrong-step" },
  CanaryStepPassed: { canary: "to canary", "step-passed": "wrong-step" },
  CanaryHeld: { canary: "to canary", "step-passed": "to canary" },
  CanaryHoldEnded: { canary: "not-held", "step-passed": "not-held" },
  CanaryBreached: { canary: "to breached", "step-passed": "to breached" },
  MitigationConfirmed: { breached: "to breached" },
  ReleaseRolledBack: { breached: "to rolled-back" },
  ReleaseCompleted: { canary: "wrong-step", "step-passed": "wrong-step" },
  ReleasePaused: staysWhereItIs,
  ReleaseResumed: inProgress("not-paused"),
  HoldSkipped: { canary: "to canary", "step-passed": "to canary" },
  ReleaseAborted: {
    queued: "to aborted",
    requested: "to aborted",
    "gate-passed": "to aborted",
    shadow: "to aborted",
    "shadow-passed": "to aborted",
    canary: "to aborted",
    "step-passed": "to aborted",
    breached: "to aborted",
    blocked: "to aborted",
  },
  // To the present baseline: it stops what is active, and is refused where nothing is.
  BaselineRolledBack: {
    unregistered: "unknown-bundle",
    registered: "same-bundle",
    queued: "to requested",
    requested: "to rolled-back",
    "gate-passed": "to rolled-back",
    shadow: "to rolled-back",
    "shadow-passed": "to rolled-back",
    canary: "to rolled-back",
    "step-passed": "to rolled-back",
    breached: "to rolled-back",
    blocked: "same-bundle",
    ended: "to completed",
  },
  PageSent: { ...everywhere("unknown-page"), breached: "to breached" },
  PageResolved: everywhere("unknown-page"),
  PageUndelivered: { ...everywhere("unknown-page"), breached: "to breached" },
  NoticeSent: { ...everywhere("unknown-page"), ended: "to completed" },
  ReleasesFrozen: leavesEverythingWhereItIs,
  ReleasesStopped: { ...leavesEverythingWhereItIs, canary: "to breached", "step-passed": "to breached" },
  ReleasesUnfrozen: everywhere("not-frozen"),
  ErasureRequested: leavesEverythingWhereItIs,
  PayloadsErased: everywhere("unknown-erasure"),
};

const phaseOf = (events: ReadonlyArray<ReleaseEvent>): string => {
  const state = stateAfter(events);
  const release = [state.active, ...state.queue, ...state.blocked].find((one) => one?.releaseId === RELEASE);
  return release?.phase ?? state.ended[RELEASE]?.phase ?? "nowhere";
};

describe("every event in every situation", () => {
  for (const tag of eventTypes)
    for (const [situation, history] of Object.entries(situations)) {
      const answer = transitions[tag][situation as Situation] ?? otherwise[situation as Situation];
      it(`${tag} meets ${situation}: ${answer}`, () => {
        const met: ReleaseEvent = event(tag, { at: at(170) });
        if (answer.startsWith("to ")) assert.equal(`to ${phaseOf([...history, met])}`, answer);
        else
          given(history)
            .on(met)
            .refused(answer as Refusal["code"]);
      });
    }
});

describe("requests", () => {
  const second = (whileActive: "queue" | "reject" | "supersede") =>
    event("ReleaseRequested", { releaseId: "rel-2", candidate: bundle("newer"), policy: policyWith(whileActive) });

  it("a request while another release is active is queued, by policy", () =>
    given(registered, way.canary)
      .on(second("queue"))
      .leadsTo({ active: "rel-1 canary", share: 0.01, queue: ["rel-2"] }));
  it("or is refused", () => given(registered, way.canary).on(second("reject")).refused("another-release-active"));
  it("or supersedes the active release, whose traffic ends at once", () =>
    given(registered, way.canary)
      .on(second("supersede"))
      .leadsTo({ active: "rel-2 requested", share: 0, ended: ["rel-1 superseded"] }));
  it("superseding overtakes the queue as well", () =>
    given(registered, olderRelease.requested, way.requested)
      .on(second("supersede"))
      .leadsTo({ active: "rel-2 requested", queue: [], ended: ["rel-1 superseded", "rel-0 superseded"] }));
  it("a breached release is not superseded: its rollback must be recorded first", () =>
    given(registered, way.breached)
      .on(second("supersede"))
      .leadsTo({ active: "rel-1 breached", share: 0, queue: ["rel-2"], ended: [] }));
  it("the queue is worked off in order, as soon as nothing is active", () =>
    given(registered, olderRelease.requested, way.requested, second("queue"))
      .on(event("ReleaseAborted", { releaseId: "rel-0" }))
      .leadsTo({ active: "rel-1 requested", queue: ["rel-2"] }));
  it("the queue is bounded", () => {
    const waiting = Array.from({ length: MAX_QUEUED }, (_, i) =>
      event("ReleaseRequested", { releaseId: `waiting-${i}` }),
    );
    given(registered, olderRelease.requested, waiting)
      .on(way.requested[0] ?? registered)
      .refused("queue-full");
  });
  it("the present baseline is no candidate", () =>
    given(registered)
      .on(event("ReleaseRequested", { candidate: bundle("old") }))
      .refused("same-bundle"));
  it("a queued release whose candidate has become the baseline is superseded, and the next one is promoted", () => {
    const same = event("ReleaseRequested", { releaseId: "rel-2" });
    const next = event("ReleaseRequested", { releaseId: "rel-3", candidate: bundle("newer") });
    const [done, ...before] = [...way.completed].reverse();
    given(registered, before.reverse(), same, next)
      .on(done ?? registered)
      .leadsTo({ active: "rel-3 requested", queue: [], ended: ["rel-1 completed", "rel-2 superseded"] });
    const state = stateAfter(registered, before, same, next, done ?? registered);
    assert.equal(state.last?.releaseId, RELEASE, "the completion is the latest outcome, not what followed from it");
  });
  it("a release may be named like a property of every object", () =>
    given(registered)
      .on(event("ReleaseRequested", { releaseId: "constructor" }))
      .leadsTo({ active: "constructor requested" }));
});

describe("the offline gate", () => {
  for (const role of ["viewer", "ci", "operator"] as const)
    it(`is not overridden by role ${role}`, () =>
      given(registered, way.blocked)
        .on(event("GateOverridden", { author: author(role) }))
        .refused("wrong-role"));
  it("is not overridden while another release is active", () =>
    given(registered, way.blocked, olderRelease.requested)
      .on(event("GateOverridden"))
      .refused("another-release-active"));
  it("blocks one release and lets the next one through", () =>
    given(registered, way.requested, event("ReleaseRequested", { releaseId: "rel-2", candidate: bundle("newer") }))
      .on(event("OfflineGateBlocked"))
      .leadsTo({ active: "rel-2 requested", queue: [], blocked: ["rel-1"] }));
  it("cannot be overridden any more once the baseline has changed", () =>
    given(registered, way.blocked, olderRelease.completed).on(event("GateOverridden")).refused("release-ended"));
  it("an override is marked for good", () =>
    assert.equal(
      stateAfter(registered, way.blocked, event("GateOverridden")).active?.override?.author.role,
      "approver",
    ));
});

describe("canary steps", () => {
  it("a step has the share of the policy", () =>
    given(registered, way.shadowPassed)
      .on(event("CanaryStepStarted", { share: 0.25 }))
      .refused("wrong-step"));
  it("no step is left out", () =>
    given(registered, way.stepPassed)
      .on(event("CanaryStepStarted", { step: 2, share: 1 }))
      .refused("wrong-step"));
  it("the next step waits for the present one to pass", () =>
    given(registered, way.canary)
      .on(event("CanaryStepStarted", { step: 1, share: 0.25 }))
      .refused("wrong-step"));
  it("a step that is not in the policy cannot start", () =>
    given(registered, way.lastStepPassed)
      .on(event("CanaryStepStarted", { step: 3, share: 1 }))
      .refused("wrong-step"));
  it("each step raises the share to its own", () =>
    given(registered, way.stepPassed)
      .on(event("CanaryStepStarted", { step: 1, share: 0.25 }))
      .leadsTo({ active: "rel-1 canary", share: 0.25 }));
  it("a step does not pass before its hold is over", () =>
    given(registered, way.canary)
      .on(event("CanaryStepPassed", { at: at(159.999) }))
      .refused("hold-not-over"));
  it("unless an operator has skipped the hold", () =>
    given(registered, way.canary, event("HoldSkipped"))
      .on(event("CanaryStepPassed", { at: at(101) }))
      .leadsTo({ share: 0.01 }));
  it("and a skip is for one step only", () =>
    given(registered, way.canary, event("HoldSkipped"), event("CanaryStepPassed", { at: at(101) }))
      .on(event("CanaryStepStarted", { step: 1, share: 0.25, at: at(101) }))
      .leadsTo({ share: 0.25 }));
  it("a skip decided for an earlier step does not skip the next", () =>
    given(registered, way.lastStep).on(event("HoldSkipped")).refused("wrong-step"));
  it("a hold decided at an earlier step does not hold the next", () =>
    given(registered, way.lastStep).on(event("CanaryHeld")).refused("wrong-step"));
  it("a breach decided at an earlier step still counts", () =>
    given(registered, way.lastStep)
      .on(event("CanaryBreached", { step: 0 }))
      .leadsTo({ active: "rel-1 breached", share: 0 }));
  it("a breach of a step that has not begun is refused", () =>
    given(registered, way.canary)
      .on(event("CanaryBreached", { step: 1 }))
      .refused("wrong-step"));
  it("a breach after the last step passed still counts", () =>
    given(registered, way.lastStepPassed)
      .on(event("CanaryBreached", { step: 2 }))
      .leadsTo({ active: "rel-1 breached", share: 0 }));
  it("a release does not complete before its last step passed", () =>
    given(registered, way.lastStep).on(event("ReleaseCompleted")).refused("wrong-step"));
  it("completing makes the candidate the baseline", () => {
    const state = stateAfter(registered, way.completed);
    assert.equal(state.baseline?.digest, bundle("new").digest);
    assert.deepEqual(state.fullyReleased, [bundle("old"), bundle("new")]);
  });
  it("a hold is shown until the step passes", () => {
    const held = [registered, ...way.canary, event("CanaryHeld")];
    assert.match(releaseStateOf(stateAfter(held)).active?.waitsFor ?? "", /observations \(until/);
    assert.deepStrictEqual(releaseStateOf(stateAfter(held)).active?.hold, { cause: "no-data", until: at(900) });
    assert.equal(stateAfter(held, event("CanaryStepPassed", { at: at(160) })).active?.hold, null);
  });
  it("or until what it was held for is over: then the state says what else the step waits for", () => {
    const ended = [registered, ...way.canary, event("CanaryHeld"), event("CanaryHoldEnded")];
    assert.equal(releaseStateOf(stateAfter(ended)).active?.hold, null);
    assert.match(releaseStateOf(stateAfter(ended)).active?.waitsFor ?? "", /^the hold until .* 10 requests per arm$/);
    given(ended).on(event("CanaryHeld")).leadsTo({ share: 0.01 });
    given(ended).on(event("CanaryHoldEnded")).refused("not-held");
  });
  it("the end of an earlier step's hold does not end the next one's", () =>
    given(registered, way.lastStep, event("CanaryHeld", { step: 2 }))
      .on(event("CanaryHoldEnded"))
      .refused("wrong-step"));
  it("a hold may end while the release is paused", () =>
    given(registered, way.canary, event("CanaryHeld"), event("ReleasePaused"))
      .on(event("CanaryHoldEnded"))
      .leadsTo({ share: 0.01 }));
  it("a held release can be aborted", () =>
    given(registered, way.canary, event("CanaryHeld")).on(event("ReleaseAborted")).leadsTo({ active: null, share: 0 }));
});

describe("a pause", () => {
  const paused = event("ReleasePaused");
  const forward = [
    [way.gatePassed, event("ShadowStarted")],
    [way.shadow, event("ShadowPassed")],
    [way.shadowPassed, event("CanaryStepStarted")],
    [way.canary, event("CanaryStepPassed", { at: at(160) })],
    [way.lastStepPassed, event("ReleaseCompleted")],
  ] as const;
  for (const [history, next] of forward) {
    it(`forbids ${next._tag}`, () => given(registered, history, paused).on(next).refused("paused"));
    it(`that was resumed allows ${next._tag}`, () => {
      stateAfter(registered, history, paused, event("ReleaseResumed"), next);
    });
  }
  it("does not forbid a breach, and ends with it", () => {
    const state = stateAfter(registered, way.canary, paused, event("CanaryBreached"));
    assert.equal(state.active?.phase, "breached");
    assert.equal(state.active?.pausedAt, null);
    stateAfter(registered, way.canary, paused, event("CanaryBreached"), event("ReleaseRolledBack"));
  });
  it("does not forbid the shadow to regress", () =>
    given(registered, way.shadow, paused).on(event("ShadowRegressed")).leadsTo({ active: null }));
  it("cannot be paused again", () =>
    given(registered, way.canary, paused).on(event("ReleasePaused")).refused("paused"));
  it("keeps the share where it is", () =>
    assert.equal(shareOf(stateAfter(registered, way.canary, paused).active ?? assert.fail()), 0.01));
});

describe("rolling the baseline back", () => {
  const completed = [registered, ...way.completed];
  it("brings back an earlier baseline without gates", () => {
    const state = stateAfter(completed, event("BaselineRolledBack"));
    assert.equal(state.baseline?.digest, bundle("old").digest);
  });
  it("while a canary runs stops the canary", () =>
    given(completed, olderRelease.canary)
      .on(event("BaselineRolledBack"))
      .leadsTo({ active: null, share: 0, ended: ["rel-1 completed", "rel-0 rolled-back"] }));
  it("refuses a bundle that was never fully released", () =>
    given(completed)
      .on(event("BaselineRolledBack", { to: bundle("newer").digest }))
      .refused("unknown-bundle"));
  it("drops what was blocked against the baseline that is gone", () =>
    given(completed, olderRelease.blocked)
      .on(event("BaselineRolledBack"))
      .leadsTo({ blocked: [], ended: ["rel-1 completed", "rel-0 blocked"] }));
});

describe("releases that the gate blocked", () => {
  const ids = Array.from({ length: MAX_BLOCKED + 1 }, (_, n) => `rel-${n + 1}`);
  const blockings = (releaseIds: ReadonlyArray<string>) =>
    releaseIds.flatMap((releaseId) => [
      event("ReleaseRequested", { releaseId, eventId: `evt-requested-${releaseId}` }),
      event("OfflineGateBlocked", { releaseId, eventId: `evt-blocked-${releaseId}` }),
    ]);
  it("are as many as may be queued, and none of them ends before", () =>
    given(registered, blockings(ids.slice(0, MAX_BLOCKED)))
      .on(event("ReleaseRequested", { releaseId: "another", eventId: "evt-another" }))
      .leadsTo({ blocked: ids.slice(0, MAX_BLOCKED), ended: [] }));
  it("make room by the end of the oldest, which can be overridden no more", () => {
    const full = [registered, ...blockings(ids)];
    const state = stateAfter(...full);
    assert.deepEqual(
      state.blocked.map(({ releaseId }) => releaseId),
      ids.slice(1),
    );
    assert.equal(state.ended["rel-1"]?.phase, "blocked");
    assert.equal(state.last?.releaseId, ids.at(-1));
    given(full)
      .on(event("GateOverridden", { releaseId: "rel-1" }))
      .refused("release-ended");
  });
});

describe("pages", () => {
  const sent = event("PageSent");
  const resolved = event("PageResolved");
  it("one is due with the breach", () => {
    const { pages } = stateAfter(registered, way.breached);
    assert.deepEqual(
      pages.map(({ dedupKey, sentAt, resolvable }) => ({ dedupKey, sentAt, resolvable })),
      [{ dedupKey: dedupKeyOf(RELEASE), sentAt: null, resolvable: false }],
    );
  });
  it("one is sent once", () => given(registered, way.breached, sent).on(event("PageSent")).refused("unknown-page"));
  it("one is not resolved while the release is still breached", () =>
    given(registered, way.breached, sent).on(resolved).refused("unknown-page"));
  it("one is not resolved before it was sent", () =>
    given(registered, way.breached, event("ReleaseRolledBack")).on(resolved).refused("unknown-page"));
  for (const ending of ["ReleaseRolledBack", "ReleaseAborted", "BaselineRolledBack"] as const)
    it(`one outlives ${ending} and is then sent and resolved`, () => {
      const ended = [registered, ...way.breached, event(ending)];
      assert.equal(stateAfter(ended).pages.length, 1);
      assert.equal(stateAfter(ended, sent, resolved).pages.length, 0);
    });
});

describe("duplicates", () => {
  const everything = [registered, ...way.completed];
  for (const one of everything)
    it(`${one._tag}${"step" in one ? ` ${one.step}` : ""} is a duplicate at once and for ever`, () => {
      given(everything.slice(0, everything.indexOf(one) + 1))
        .on(one)
        .refused("duplicate");
      given(everything).on(one).refused("duplicate");
    });
  it("a repeated abort is a duplicate, another one is too late", () => {
    const abort = event("ReleaseAborted");
    given(registered, way.canary, abort).on(abort).refused("duplicate");
    given(registered, way.canary, abort).on(event("ReleaseAborted")).refused("release-ended");
  });
  it("evidence of a mitigation is recorded once", () =>
    given(registered, way.breached, event("MitigationConfirmed"))
      .on(event("MitigationConfirmed"))
      .refused("wrong-phase"));
  it("a step passes once", () =>
    given(registered, way.stepPassed)
      .on(event("CanaryStepPassed", { evidence: canaryEvidence(0), at: at(170) }))
      .refused("wrong-step"));
});

describe("the pauses of a canary step", () => {
  const pause = (from: number, to: number): ReadonlyArray<ReleaseEvent> => [
    event("ReleasePaused", { eventId: `paused-${from}`, at: at(from) }),
    event("ReleaseResumed", { eventId: `resumed-${to}`, at: at(to) }),
  ];

  it("add up, and move the end of a hold", () => {
    const held = event("CanaryHeld", { at: at(170), until: at(400) });
    const { active } = stateAfter(registered, way.canary, held, pause(200, 230), pause(300, 305));
    assert.equal(active?.pausedMs, 35_000);
    assert.equal(active.hold?.until, at(435));
    assert.deepEqual([active.holds, active.heldAt], [1, at(170)]);
  });

  it("are its own: those of the phases before do not count", () => {
    const { active } = stateAfter(
      registered,
      way.shadowPassed,
      pause(92, 95),
      way.canary.slice(way.shadowPassed.length),
    );
    assert.equal(active?.pausedMs, 0);
  });
});
