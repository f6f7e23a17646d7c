import {
  type ApplicationName,
  EVERY_APPLICATION,
  type ReleaseState,
  type Routing,
  routingTopic,
} from "@sluice/contracts";
import { EventBus, type Received } from "@sluice/event-bus";
import { releaseStateOf } from "@sluice/release";
import { ReleaseLog } from "@sluice/release-log";
import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import type * as Option from "effect/Option";
import * as PubSub from "effect/PubSub";
import * as Stream from "effect/Stream";
import type { ServedCandidate } from "../domain/ofrep-evaluation.ts";

export interface ReleaseStates {
  /** By application, as folded. */
  readonly all: () => ReadonlyArray<ReleaseState>;
  readonly of: (application: ApplicationName) => ReleaseState | undefined;
  /** Asks `look` now and after each change of any state, until it answers or the time is over. */
  readonly awaited: <A>(look: () => A | undefined, withinMs: number) => Effect.Effect<Option.Option<A>>;
  /** The candidate that gateways serve now, if somebody watches it (decision 0013). */
  readonly served: (application: ApplicationName) => Effect.Effect<ServedCandidate | null>;
}

/** What services that subscribe to release state are answered from. */
export const followReleaseStates = Effect.fn("followReleaseStates")(function* () {
  const log = yield* ReleaseLog;
  const bus = yield* EventBus;
  const changed = yield* PubSub.sliding<void>(1);
  yield* Effect.forkScoped(
    Stream.runForEach(log.changes, ({ refusal }) =>
      refusal === null ? PubSub.publish(changed, undefined) : Effect.void,
    ),
    { startImmediately: true },
  );

  const routings = new Map<ApplicationName, { readonly routing: Routing; readonly heardAtMs: number }>();
  let live = false;
  yield* bus.follow(routingTopic, (batch: ReadonlyArray<Received<Routing>>) =>
    Effect.map(Clock.currentTimeMillis, (nowMs) => {
      for (const { event } of batch) {
        const known = routings.get(event.application);
        // What was in the topic before is news, but no sign of life of whoever wrote it.
        if (!known || event.version >= known.routing.version)
          routings.set(event.application, { routing: event, heardAtMs: live ? nowMs : 0 });
      }
    }),
  );
  live = true;

  const of = (application: ApplicationName) => {
    const state = log.applications().get(application);
    return state && releaseStateOf(state);
  };
  return {
    // Without the name that stands for all of them.
    all: () =>
      [...log.applications().values()]
        .filter(({ application }) => application !== EVERY_APPLICATION)
        .map(releaseStateOf),
    of,
    awaited: (look, withinMs) =>
      Effect.scoped(
        Effect.gen(function* () {
          // Subscribed first, so that nothing falls between the look and the wait.
          const wakeUp = yield* PubSub.subscribe(changed);
          while (true) {
            const found = look();
            if (found !== undefined) return found;
            yield* PubSub.take(wakeUp);
          }
        }),
      ).pipe(Effect.timeoutOption(withinMs)),
    served: (application) =>
      Effect.map(Clock.currentTimeMillis, (nowMs) => {
        const known = routings.get(application);
        const candidate = known?.routing.candidate;
        if (!candidate || nowMs - known.heardAtMs > candidate.maxUnwatchedSeconds * 1_000) return null;
        return { releaseId: candidate.releaseId, share: candidate.share, salt: candidate.salt };
      }),
  } satisfies ReleaseStates;
});
