import { type Bundle, type Digest, type ReleaseState, referenceOf } from "@sluice/contracts";

/** All that assignment needs of one application: what a client keeps in memory and on disk, and what may be bundled with it. */
export interface Snapshot {
  readonly version: 1;
  readonly state: ReleaseState;
  /** Contents by the bundle's digest. */
  readonly bundles: Readonly<Record<Digest, Bundle>>;
  /** When the registry was last heard to stand by this state (epoch milliseconds). */
  readonly heardAtMs: number;
}

type Active = NonNullable<ReleaseState["active"]>;

/** Phases in which a candidate is routed; before its shadow no request meets it in any way. */
const ROUTED = new Set<Active["phase"]>(["shadow", "shadow-passed", "canary"]);

/** The release whose candidate is routed; null: there is none. */
export const routedRelease = ({ active }: ReleaseState): Active | null =>
  active && ROUTED.has(active.phase) ? active : null;

/** Bundles whose contents are needed to serve a state. */
export const neededBundles = (state: ReleaseState): ReadonlyArray<Digest> => {
  const routed = routedRelease(state);
  return [
    ...(state.baseline ? [state.baseline.digest] : []),
    ...(routed && routed.share > 0 ? [routed.candidate] : []),
  ];
};

/** Whether going on with `before` would put users on a candidate that `after` has taken them from. */
export const takesTrafficAway = (before: ReleaseState, after: ReleaseState): boolean => {
  const old = routedRelease(before);
  const now = routedRelease(after);
  return old !== null && old.share > 0 && (now?.releaseId !== old.releaseId || now.share < old.share);
};

/** The same without its candidate: what is served until the contents of a newer state are there. */
export const withoutCandidate = (snapshot: Snapshot): Snapshot => ({
  ...snapshot,
  state: { ...snapshot.state, active: null },
});

/** A snapshot whose contents are not what their digests say is none. */
export const isTrue = ({ bundles }: Snapshot): boolean =>
  Object.entries(bundles).every(([digest, bundle]) => referenceOf(bundle).digest === digest);
