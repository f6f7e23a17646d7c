import { type ApplicationName, type Bundle, type BundleReference, type Digest, routingTopic } from "@sluice/contracts";
import { EventBus } from "@sluice/event-bus";
import { type ApplicationState, routedDigests, routingOf } from "@sluice/release";
import { ReleaseLog } from "@sluice/release-log";
import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import { onChangeOrTick } from "./on-change-or-tick.ts";
import { storedBundles } from "./stored-bundles.ts";

interface Published {
  readonly version: number;
  readonly atMs: number;
}

/**
 * Publishes the routing of every application whenever its state has changed, and again, unchanged, a few times within
 * `maxUnwatchedSeconds` while a candidate has traffic: that is how gateways know that somebody watches. `lastSeenMs` tells
 * when the evidence of an application could last be seen; when that is too long ago, nobody watches, and the signal stops.
 */
export const routingPublisher = Effect.fn("routingPublisher")(function* (
  tickMs: number,
  lastSeenMs: (application: ApplicationName) => number,
) {
  const bus = yield* EventBus;
  const log = yield* ReleaseLog;
  const bundleOf = yield* storedBundles();
  const published = new Map<ApplicationName, Published>();

  const publish = Effect.fnUntraced(function* (state: ApplicationState) {
    const bundles = new Map<Digest, Bundle>();
    for (const reference of references(state)) {
      const bundle = yield* Effect.option(
        Effect.tapError(bundleOf(reference), (error) => Effect.logError(`bundle not routed: ${error.message}`)),
      );
      if (bundle._tag === "Some") bundles.set(reference.digest, bundle.value);
    }
    const routing = routingOf(state, bundles);
    if (!routing) return;
    yield* bus.publish(routingTopic, [routing]);
    // With a bundle missing it is tried again at the next tick: the store may only have been away.
    if (bundles.size === routedDigests(state).length)
      published.set(state.application, { version: state.version, atMs: yield* Clock.currentTimeMillis });
  });

  const look = Effect.gen(function* () {
    const nowMs = yield* Clock.currentTimeMillis;
    for (const state of log.applications().values()) {
      if (!isDue(state, published.get(state.application), nowMs, lastSeenMs(state.application))) continue;
      yield* publish(state).pipe(
        Effect.catch((error) => Effect.logWarning(`routing not published, trying again: ${error.message}`)),
        Effect.annotateLogs({ application: state.application, version: state.version }),
      );
    }
  });
  yield* onChangeOrTick("routing", look, tickMs);
});

const isDue = (state: ApplicationState, last: Published | undefined, nowMs: number, lastSeenMs: number): boolean => {
  if (last?.version !== state.version) return true;
  const release = state.active;
  if (release?.phase !== "canary") return false;
  const maxUnwatchedMs = release.request.policy.canary.maxUnwatchedSeconds * 1_000;
  // A gateway adds its own wait to the age of what was seen: half of it is old enough.
  return nowMs - last.atMs >= maxUnwatchedMs / 3 && nowMs - lastSeenMs < maxUnwatchedMs / 2;
};

const references = (state: ApplicationState): ReadonlyArray<BundleReference> => {
  const routed = new Set(routedDigests(state));
  return [state.baseline, state.active?.request.candidate].filter(
    (reference) => reference !== null && reference !== undefined && routed.has(reference.digest),
  ) as ReadonlyArray<BundleReference>;
};
