import * as assert from "node:assert/strict";
import type { ReleaseEvent } from "@sluice/contracts";
import * as Result from "effect/Result";
import { type ApplicationState, initialState, shareOf } from "../application-state.ts";
import { apply } from "../apply.ts";
import type { ReleaseCommand } from "../command.ts";
import { decide } from "../decide.ts";
import type { Refusal } from "../refusal.ts";
import { application } from "./samples.ts";

type Expected = Partial<ReleaseEvent> & { readonly _tag: ReleaseEvent["_tag"] };

/** The state after events that must all be legal: a test whose past is impossible proves nothing. */
export const stateAfter = (...history: ReadonlyArray<ReleaseEvent | ReadonlyArray<ReleaseEvent>>): ApplicationState =>
  history.flat().reduce(
    (state, event) =>
      Result.getOrElse(apply(state, event), (refusal) => {
        throw new Error(`the given ${event._tag} is refused: ${refusal.sentence}`);
      }),
    initialState(application),
  );

/** Where a release is kept, and how much traffic it has: what the tests ask of a state. */
export const whereabouts = (state: ApplicationState) => ({
  active: state.active && `${state.active.releaseId} ${state.active.phase}`,
  share: state.active ? shareOf(state.active) : 0,
  queue: state.queue.map((release) => release.releaseId),
  blocked: state.blocked.map((release) => release.releaseId),
  ended: Object.entries(state.ended).map(([releaseId, { phase }]) => `${releaseId} ${phase}`),
});

/** `given(past).when(command).then(events)`, or `.refused(code)`; `given(past).on(event)` for the fold itself. */
export const given = (...history: ReadonlyArray<ReleaseEvent | ReadonlyArray<ReleaseEvent>>) => {
  const state = stateAfter(...history);
  return {
    state,
    when: (command: ReleaseCommand) => {
      const decided = decide(state, command);
      return {
        /** Compares the fields that are named; of the rest the schema and the types take care. */
        // biome-ignore lint/suspicious/noThenProperty: nobody awaits it, and a test reads as given, when, then.
        then: (expected: ReadonlyArray<Expected>): void => {
          const events = Result.getOrThrowWith(decided, (refusal) => new Error(refusal.sentence));
          assert.equal(events.map(({ _tag }) => _tag).join(), expected.map(({ _tag }) => _tag).join());
          expected.forEach((one, i) => {
            assert.partialDeepStrictEqual(events[i], { at: command.at, application: command.application, ...one });
          });
        },
        refused: (code: Refusal["code"]): void => expectRefusal(decided, code),
      };
    },
    on: (event: ReleaseEvent) => {
      const applied = apply(state, event);
      return {
        leadsTo: (expected: Partial<ReturnType<typeof whereabouts>>): void => {
          const next = Result.getOrThrowWith(applied, (refusal) => new Error(refusal.sentence));
          assert.deepEqual({ ...whereabouts(next), ...expected }, whereabouts(next));
        },
        refused: (code: Refusal["code"]): void => expectRefusal(applied, code),
      };
    },
  };
};

const expectRefusal = (result: Result.Result<unknown, Refusal>, code: Refusal["code"]): void => {
  assert.equal(Result.isFailure(result) ? result.failure.code : "accepted", code);
};
