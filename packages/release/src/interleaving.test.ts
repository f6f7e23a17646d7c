import { assert, it } from "@effect/vitest";
import type { ReleaseEvent } from "@sluice/contracts";
import { type ApplicationState, initialState, shareOf } from "./application-state.ts";
import { foldEvent } from "./fold.ts";
import type { Refusal } from "./refusal.ts";
import { forAllInterleavings } from "./testing/interleaving.ts";
import { Invariants } from "./testing/invariants.ts";
import { eventTypes } from "./testing/samples.ts";

type States = ReadonlyMap<string, ApplicationState>;
const fold = (log: Iterable<ReleaseEvent>, from: States = new Map()) => {
  const states = new Map(from);
  const accepted: Array<ReleaseEvent> = [];
  for (const event of log) {
    const { state, refusal } = foldEvent(states, event);
    if (refusal) continue;
    states.set(event.application, state);
    accepted.push(event);
  }
  return { states, accepted };
};

it("after each event of any log the invariants hold", { timeout: 60_000 }, () =>
  forAllInterleavings(2_500, (log) => {
    const states = new Map<string, ApplicationState>();
    const invariants = new Invariants();
    for (const event of log) {
      const before = states.get(event.application) ?? initialState(event.application);
      const { state, refusal } = foldEvent(states, event);
      invariants.check(before, event, refusal, state);
      states.set(event.application, state);
    }
  }),
);

it("every event folded twice, at once or at the end, changes nothing", { timeout: 60_000 }, () =>
  forAllInterleavings(1_000, (log) => {
    const once = fold(log);
    assert.deepStrictEqual(fold(log.flatMap((event) => [event, event])).states, once.states);
    assert.deepStrictEqual(fold(once.accepted, once.states).states, once.states);
  }),
);

it(
  "folding is deterministic: refused events, and the order between applications, make no difference",
  { timeout: 60_000 },
  () =>
    forAllInterleavings(1_000, (log) => {
      const { states, accepted } = fold(log);
      assert.deepStrictEqual(fold(log).states, states);
      assert.deepStrictEqual(fold(accepted).states, states);
      for (const [application, state] of states) {
        const alone = fold(log.filter((event) => event.application === application)).states;
        assert.deepStrictEqual([...alone], [[application, state]]);
      }
    }),
);

it("the sequences reach every kind of event, every way to be refused, and full traffic", { timeout: 60_000 }, () => {
  const accepted = new Set<string>();
  const refused = new Set<string>();
  let fullTraffic = 0;
  forAllInterleavings(1_000, (log) => {
    const states = new Map<string, ApplicationState>();
    for (const event of log) {
      const { state, refusal } = foldEvent(states, event);
      states.set(event.application, state);
      if (refusal) refused.add(refusal.code);
      else accepted.add(event._tag);
      if (state.active && shareOf(state.active) === 1) fullTraffic += 1;
    }
  });
  // These two are folded as OfflineGateBlocked is; the table of transitions has them.
  const left = ["OfflineGateInconclusive", "OfflineGateInvalid"];
  assert.deepStrictEqual(
    eventTypes.filter((tag) => !accepted.has(tag)),
    left,
  );
  assert.deepStrictEqual(
    reachable.filter((code) => !refused.has(code)),
    [],
  );
  assert.isAbove(fullTraffic, 1_000);
});

const reachable: ReadonlyArray<Refusal["code"]> = [
  "another-release-active",
  "duplicate",
  "frozen",
  "hold-not-over",
  "not-held",
  "not-paused",
  "paused",
  "release-ended",
  "release-exists",
  "same-bundle",
  "unknown-page",
  "unknown-release",
  "wrong-phase",
  "wrong-step",
];
