import {
  type ApplicationName,
  digestOf,
  EVERY_APPLICATION,
  type FreezeBody,
  type FreezeScope,
  type ReasonBody,
  type ReleaseEvent,
  timestampOf,
} from "@sluice/contracts";
import type { BusError } from "@sluice/event-bus";
import {
  type ApplicationState,
  freezesToCopy,
  initialState,
  type Refusal,
  type ReleaseCommand,
  refusal,
} from "@sluice/release";
import { ReleaseLog } from "@sluice/release-log";
import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import { knownApplication } from "./known-application.ts";
import { BadRequest, type Intention } from "./requests.ts";

/** What an operator can do to the way forward of an application, or of all. */
export type FreezeVerb =
  | { readonly verb: "freeze"; readonly body: typeof FreezeBody.Type }
  | { readonly verb: "stop" | "unfreeze"; readonly body: typeof ReasonBody.Type };

const now = Effect.map(Clock.currentTimeMillis, timestampOf);

/** The same intention (Idempotency-Key) is the same freeze. */
const freezeIdOf = ({ key }: Intention): string =>
  `frz-${digestOf(key).slice("sha256:".length, "sha256:".length + 16)}`;

const commandsOf = (
  state: ApplicationState,
  scope: FreezeScope,
  { verb, body }: FreezeVerb,
  intention: Intention,
  at: string,
): ReadonlyArray<ReleaseCommand> => {
  const { application, freezes } = state;
  const { author } = intention;
  const head = { application, at, author, reason: body.reason };
  switch (verb) {
    case "freeze":
      return [{ _tag: "FreezeReleases", ...head, freezeId: freezeIdOf(intention), scope, until: body.until }];
    case "stop":
      return [{ _tag: "StopReleases", ...head, freezeId: freezeIdOf(intention), scope }];
    case "unfreeze":
      return freezes.map(({ freezeId }) => ({ _tag: "LiftFreeze", ...head, freezeId }));
  }
};

const submitAll = Effect.fnUntraced(function* (
  commands: ReadonlyArray<ReleaseCommand>,
): Effect.fn.Return<ReadonlyArray<ReleaseEvent>, Refusal | BusError, ReleaseLog> {
  const log = yield* ReleaseLog;
  const events: Array<ReleaseEvent> = [];
  for (const command of commands) events.push(...(yield* log.submit(command)));
  return events;
});

const stateOf = Effect.fnUntraced(function* (application: ApplicationName) {
  return (yield* ReleaseLog).applications().get(application) ?? initialState(application);
});

const briefly = (events: ReadonlyArray<ReleaseEvent>) => events.map(({ _tag, eventId }) => ({ type: _tag, eventId }));

/** Nothing to lift is an answer too, and no success: whoever asks believes that something was frozen. */
const notFrozen = (what: string): Refusal => refusal("not-frozen", `${what}; there is nothing to lift`);

/** A freeze that is over when it begins would be believed, and hold up nothing. */
const checkEnd = ({ verb, body }: FreezeVerb, at: string): Effect.Effect<void, BadRequest> =>
  verb === "freeze" && body.until !== null && body.until <= at
    ? Effect.fail(
        new BadRequest({ message: `until is ${body.until}, which is over at ${at}; give an instant to come` }),
      )
    : Effect.void;

export const actOnApplication = Effect.fn("actOnApplication")(function* (
  application: ApplicationName,
  asked: FreezeVerb,
  intention: Intention,
) {
  const state = yield* knownApplication(application);
  const at = yield* now;
  yield* checkEnd(asked, at);
  const commands = commandsOf(state, "application", asked, intention, at);
  if (commands.length === 0) return yield* Effect.fail(notFrozen(`${application} is not frozen`));
  return { application, releaseId: null, events: briefly(yield* submitAll(commands)) };
});

/**
 * Decided once, under the name that stands for all applications; then each gets its own event. Where that fails now, the
 * controller sees to it: it does not let such an application go forward before.
 */
export const actOnAll = Effect.fn("actOnAll")(function* (asked: FreezeVerb, intention: Intention) {
  const log = yield* ReleaseLog;
  const at = yield* now;
  yield* checkEnd(asked, at);
  const commands = commandsOf(yield* stateOf(EVERY_APPLICATION), "all", asked, intention, at);
  if (commands.length === 0) return yield* Effect.fail(notFrozen("no freeze of all applications is in force"));
  const events = yield* submitAll(commands);
  const every = yield* stateOf(EVERY_APPLICATION);
  const known = [...log.applications().values()].filter(({ baseline }) => baseline !== null);
  const copied = yield* Effect.forEach(
    known,
    (state) =>
      Effect.match(submitAll(freezesToCopy(every, state, at)), {
        onFailure: () => ({ application: state.application, done: false }),
        onSuccess: () => ({ application: state.application, done: true }),
      }),
    { concurrency: 8 },
  );
  return {
    events: briefly(events),
    applications: copied.filter(({ done }) => done).map(({ application }) => application),
    pending: copied.filter(({ done }) => !done).map(({ application }) => application),
  };
});
