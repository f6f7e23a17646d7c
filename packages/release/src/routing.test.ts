import { assert, describe, it } from "@effect/vitest";
import { Policy, type ReleaseEvent, Routing } from "@sluice/contracts";
import * as Schema from "effect/Schema";
import { holdEndsAt, releaseStateOf } from "./release-state.ts";
import { routedDigests, routingOf } from "./routing.ts";
import { at, bundle, canaryEvidence, event, RELEASE, wayTo } from "./testing/samples.ts";
import { stateAfter } from "./testing/scenario.ts";

const registered = event("ApplicationRegistered");
const way = wayTo();
const contents = {
  prompt: { kind: "prompt", messages: [{ role: "system", content: "Be brief." }] },
  model: { kind: "model", provider: "simulated", model: "m-1", parameters: {} },
} as const;
const bundles = new Map([bundle("old"), bundle("new")].map(({ digest }) => [digest, contents]));
const old = bundle("old").digest;

describe("routing", () => {
  it("is nothing before there is a baseline, or without the baseline's contents", () => {
    assert.isNull(routingOf(stateAfter(), bundles));
    assert.isNull(routingOf(stateAfter(registered), new Map()));
  });
  for (const phase of ["requested", "gatePassed", "breached", "blocked"] as const)
    it(`does not name the candidate in ${phase}`, () => {
      const state = stateAfter(registered, way[phase]);
      assert.deepStrictEqual(routedDigests(state), [old]);
      assert.isNull(routingOf(state, bundles)?.candidate);
    });
  it("mirrors to the candidate in the shadow, and serves nobody from it", () => {
    const candidate = routingOf(stateAfter(registered, way.shadow), bundles)?.candidate;
    assert.strictEqual(candidate?.share, 0);
    assert.strictEqual(candidate?.mirror?.sampleRate, 1);
  });
  it("serves the share of the step in the canary, under the salt of the release", () => {
    const routing = routingOf(stateAfter(registered, way.lastStep), bundles);
    assert.strictEqual(routing?.candidate?.share, 1);
    assert.strictEqual(routing?.candidate?.salt, RELEASE);
    assert.isNull(routing?.candidate?.mirror);
    assert.deepStrictEqual(Schema.decodeUnknownSync(Routing)(routing), routing);
  });
  it("keeps users on the baseline at the last step where policy holds some back, and completes for all of them", () => {
    const { policy } = event("ReleaseRequested");
    const heldBack = { ...policy, canary: { ...policy.canary, finalHoldback: 0.05 } };
    const after = wayTo(RELEASE, { policy: heldBack });
    const last = event("CanaryStepStarted", { step: 2, share: 0.95, at: at(220) });
    const atLastStep = stateAfter(registered, after.lastStep.slice(0, -1), last);
    assert.strictEqual(routingOf(atLastStep, bundles)?.candidate?.share, 0.95);
    const passed = event("CanaryStepPassed", { step: 2, evidence: canaryEvidence(2), at: at(280) });
    const completed = stateAfter(
      registered,
      after.lastStep.slice(0, -1),
      last,
      passed,
      event("ReleaseCompleted", { baseline: bundle("new").digest, at: at(280) }),
    );
    assert.strictEqual(routingOf(completed, bundles)?.baseline.digest, bundle("new").digest);
    assert.throws(() => stateAfter(registered, after.lastStep), /step 2 has share 0\.95 by policy, the event says 1/);
  });
  it("leaves a candidate out whose contents are missing", () => {
    const state = stateAfter(registered, way.canary);
    assert.isNull(routingOf(state, new Map([[old, contents]]))?.candidate);
  });
  it("serves the candidate as the baseline once it is complete", () => {
    const routing = routingOf(stateAfter(registered, way.completed), bundles);
    assert.strictEqual(routing?.baseline.digest, bundle("new").digest);
    assert.isNull(routing?.candidate);
  });
});

describe("release state", () => {
  it("says when the hold of the step ends, and that a skipped one is over", () => {
    const canary = stateAfter(registered, way.canary);
    assert.strictEqual(canary.active && holdEndsAt(canary.active), at(160));
    const skipped = stateAfter(registered, way.canary, event("HoldSkipped"));
    assert.isNull(skipped.active && holdEndsAt(skipped.active));
  });
  const waitsFor = {
    requested: /the offline gate/,
    gatePassed: /the shadow to start/,
    shadow: /^200 judged pairs and 1 h or 10,000 requests$/,
    shadowPassed: /the first canary step/,
    canary: /the hold until .*09:02:40.* and 10 requests per arm/,
    breached: /every gateway to acknowledge/,
  } as const;
  for (const [phase, words] of Object.entries(waitsFor) as Array<[keyof typeof waitsFor, RegExp]>)
    it(`tells what ${phase} waits for`, () =>
      assert.match(releaseStateOf(stateAfter(registered, way[phase])).active?.waitsFor ?? "", words));
  it("tells nothing that is not waited for, and of the last step that there is one arm", () => {
    const waits = (
      shadow: object,
      steps: ReadonlyArray<object>,
      phase: "shadow" | "canary",
      more: ReleaseEvent[] = [],
    ) => {
      const written = Schema.decodeUnknownSync(Policy)({ shadow, canary: { steps } });
      const [first, ...rest] = way[phase];
      if (first?._tag !== "ReleaseRequested") return assert.fail("the way begins with the request");
      const [step] = written.canary.steps;
      const started = rest.map((one) => (one._tag === "CanaryStepStarted" ? { ...one, share: step?.share ?? 0 } : one));
      return releaseStateOf(stateAfter(registered, { ...first, policy: written }, ...started, ...more)).active
        ?.waitsFor;
    };
    const hold = { share: 0.01, holdSeconds: 60, minRequests: 0 };
    assert.strictEqual(waits({}, [hold, { ...hold, share: 1 }], "canary"), `the hold until ${at(160)}`);
    assert.strictEqual(
      waits(
        {},
        [
          { ...hold, minRequests: 1 },
          { ...hold, share: 1 },
        ],
        "canary",
      ),
      `the hold until ${at(160)} and 1 request per arm`,
    );
    assert.strictEqual(
      waits({}, [{ ...hold, share: 1, minRequests: 1_000 }], "canary"),
      `the hold until ${at(160)} and 1,000 requests of the candidate`,
    );
    assert.strictEqual(waits({}, [hold, { ...hold, share: 1 }], "canary", [event("HoldSkipped")]), "a closed window");
    assert.strictEqual(
      waits({ minPairs: 1, minRequests: 0, minDurationSeconds: 90, enough: "both" }, [{ ...hold, share: 1 }], "shadow"),
      "1 judged pair and 1 min 30 s",
    );
    assert.strictEqual(waits({ minPairs: 1, minRequests: 0 }, [{ ...hold, share: 1 }], "shadow"), "1 judged pair");
  });
  it("tells how the last release ended, and who is queued", () => {
    const next = event("ReleaseRequested", { releaseId: "rel-2", candidate: bundle("newer") });
    const state = releaseStateOf(stateAfter(registered, way.canary, next));
    assert.deepStrictEqual(state.queued, ["rel-2"]);
    const last = releaseStateOf(stateAfter(registered, way.completed)).last;
    assert.deepStrictEqual(last, { releaseId: RELEASE, phase: "completed", at: at(280) });
  });
});
