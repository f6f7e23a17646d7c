import {
  type ApplicationName,
  type Bundle,
  type BundleReference,
  type Digest,
  type Routing,
  routingTopic,
} from "@sluice/contracts";
import { EventBus, type Received } from "@sluice/event-bus";
import { type ApplicationState, routedDigests, routingOf } from "@sluice/release";
import { ReleaseLog } from "@sluice/release-log";
import { onChangeOrTick } from "@sluice/release-log/on-change-or-tick";
import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import { BundleUnavailable, storedBundles } from "./stored-bundles.ts";

/** A store that does not answer must not delay the pin of another application for longer. */
const BUNDLE_TIMEOUT_MS = 5_000;
/** Applications looked at side by side. */
const CONCURRENCY = 4;

interface Published {
  readonly version: number;
  readonly atMs: number;
}

/**
 * Publishes the routing of every application whenever its state has changed, and again, unchanged, a few times within
 * `maxUnwatchedSeconds` while a candidate has traffic: that is how gateways know that somebody watches. `lastSeenMs` tells
 * when the evidence of an application could last be seen; when that is too long ago, nobody watches, and the signal stops.
 * Who is behind what was routed already says nothing until it has caught up.
 */
export const routingPublisher = Effect.fn("routingPublisher")(function* (
  tickMs: number,
  lastSeenMs: (application: ApplicationName) => number,
) {
  const bus = yield* EventBus;
  const log = yield* ReleaseLog;
  const bundleOf = yield* storedBundles();
  const published = new Map<ApplicationName, Published>();
  // What was routed last is at hand even when the artifact store is away: a pin to the baseline never waits for it.
  const routed = new Map<ApplicationName, Routing>();
  // Another instance that lagged has published an older routing after a newer one: it would be the last one of a compacted
  // topic, and so what a gateway that starts now serves.
  const overtaken = new Set<ApplicationName>();
  yield* bus.follow(routingTopic, (batch: ReadonlyArray<Received<Routing>>) =>
    Effect.sync(() => {
      for (const { event } of batch) {
        const newer = routed.get(event.application);
        if (newer && newer.version > event.version) overtaken.add(event.application);
        else routed.set(event.application, event);
      }
    }),
  );

  const contentOf = (application: ApplicationName, reference: BundleReference) => {
    const last = routed.get(application);
    const known = [last?.baseline, last?.candidate].find((arm) => arm?.digest === reference.digest);
    return known ? Effect.succeed(known.bundle) : Effect.timeoutOrElse(bundleOf(reference), readTooLong(reference));
  };

  const publish = Effect.fnUntraced(function* (state: ApplicationState) {
    const bundles = new Map<Digest, Bundle>();
    for (const reference of references(state))
      bundles.set(reference.digest, yield* contentOf(state.application, reference));
    const routing = routingOf(state, bundles);
    if (!routing) return;
    overtaken.delete(state.application);
    yield* bus.publish(routingTopic, [routing]);
    published.set(state.application, { version: state.version, atMs: yield* Clock.currentTimeMillis });
  });

  // A version is published once and whole: gateways that have taken it would not take it again with the bundle it lacked.
  const publishSafely = (state: ApplicationState) =>
    publish(state).pipe(
      Effect.catch((error) => Effect.logWarning(`routing not published, trying again: ${error.message}`)),
      Effect.annotateLogs({ application: state.application, version: state.version }),
    );

  const look = Effect.gen(function* () {
    const nowMs = yield* Clock.currentTimeMillis;
    // Somebody has routed a later version: this fold is behind the log, and what it would say is over.
    const isBehind = ({ application, version }: ApplicationState) => version < (routed.get(application)?.version ?? 0);
    const due = [...log.applications().values()].filter(
      (state) =>
        !isBehind(state) &&
        (overtaken.has(state.application) ||
          isDue(state, published.get(state.application), nowMs, lastSeenMs(state.application))),
    );
    yield* Effect.forEach(due, publishSafely, { concurrency: CONCURRENCY, discard: true });
  });
  yield* onChangeOrTick("routing", look, tickMs);
});

const readTooLong = ({ digest }: BundleReference) => ({
  duration: BUNDLE_TIMEOUT_MS,
  orElse: () =>
    Effect.fail(new BundleUnavailable({ message: `bundle ${digest} was not read within ${BUNDLE_TIMEOUT_MS} ms` })),
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
