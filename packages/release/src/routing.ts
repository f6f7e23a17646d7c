import type { Bundle, Digest, Routing } from "@sluice/contracts";
import { type ApplicationState, candidateOf, policyOf, shareOf } from "./application-state.ts";
import { isStopped } from "./freeze.ts";

/** Which bundles the routing of a state needs: the caller fetches their contents. */
export const routedDigests = (state: ApplicationState): ReadonlyArray<Digest> =>
  [state.baseline?.digest, routesCandidate(state) && state.active ? candidateOf(state.active) : undefined].filter(
    (digest) => digest !== undefined,
  );

/** A candidate reaches the gateways from its shadow on: before that, and in an emergency stop, no request may meet it. */
export const routesCandidate = (state: ApplicationState): boolean =>
  !isStopped(state) && ["shadow", "shadow-passed", "canary"].includes(state.active?.phase ?? "");

/**
 * Routing is a projection of the log and of nothing else. `bundles` must hold the contents of `routedDigests(state)`.
 * Null while the application has no baseline.
 */
export const routingOf = (state: ApplicationState, bundles: ReadonlyMap<Digest, Bundle>): Routing | null => {
  const baseline = state.baseline && bundles.get(state.baseline.digest);
  if (!state.baseline || !baseline) return null;
  return {
    _tag: "RoutingChanged",
    application: state.application,
    version: state.version,
    at: state.at,
    baseline: { digest: state.baseline.digest, bundle: baseline },
    candidate: routedCandidate(state, bundles),
  };
};

const routedCandidate = (state: ApplicationState, bundles: ReadonlyMap<Digest, Bundle>): Routing["candidate"] => {
  const release = state.active;
  if (!release || !routesCandidate(state)) return null;
  const bundle = bundles.get(candidateOf(release));
  if (!bundle) return null;
  const { shadow, canary } = policyOf(release);
  const { sampleRate, concurrency, queueLimit, timeoutMs, payloadSampleRate } = shadow;
  return {
    releaseId: release.releaseId,
    digest: candidateOf(release),
    bundle,
    share: shareOf(release),
    salt: release.releaseId,
    mirror: release.phase === "shadow" ? { sampleRate, concurrency, queueLimit, timeoutMs, payloadSampleRate } : null,
    payloadSampleRate: release.phase === "canary" ? canary.metrics.quality.sampleRate : 0,
    maxUnwatchedSeconds: canary.maxUnwatchedSeconds,
  };
};
