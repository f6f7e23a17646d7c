import { assignArm, type ClusterSources, clusterKeyOf, clusterOf } from "@sluice/assignment";
import type { Arm, Bundle, Digest } from "@sluice/contracts";
import { routedRelease, type Snapshot } from "./snapshot.ts";

/** Where the state behind an assignment came from. `default`: nothing is known, and the caller uses what it has. */
export type Source = "memory" | "disk" | "bundled" | "default";

export interface AssignedBundle {
  readonly digest: Digest;
  readonly bundle: Bundle;
}

export interface Assignment {
  readonly arm: Arm;
  /** The release that this request counts for; null: none. */
  readonly releaseId: string | null;
  /** What to serve; null only where `source` is `default`. */
  readonly bundle: AssignedBundle | null;
  /** Hash of the conversation, user or request, for the observation. */
  readonly clusterKey: string;
  readonly source: Source;
  /** The candidate has this key, but nobody has been heard to watch it, or its contents are not here. */
  readonly withheld: boolean;
}

export interface AssignmentRules {
  readonly clusterKeySecret: string;
  /** A candidate of which nothing was heard for longer than this loses its traffic. */
  readonly maxUnwatchedMs: number;
}

/** What a request of this cluster is served, by the gateway's rules. */
export const assign = (
  snapshot: Snapshot | null,
  source: Source,
  sources: ClusterSources,
  rules: AssignmentRules,
  nowMs: number,
): Assignment => {
  const cluster = clusterOf(sources);
  const clusterKey = cluster.kind === "request" ? sources.request : clusterKeyOf(cluster, rules.clusterKeySecret);
  const baseline = snapshot && bundleOf(snapshot, snapshot.state.baseline?.digest);
  if (!snapshot || !baseline) {
    return { arm: "baseline", releaseId: null, bundle: null, clusterKey, source: "default", withheld: false };
  }
  const release = routedRelease(snapshot.state);
  // The salt is the release's id, as in the routing of gateways.
  const arm = assignArm(release && { share: release.share, salt: release.releaseId }, cluster.key);
  const candidate = bundleOf(snapshot, release?.candidate);
  const isUnwatched = nowMs - snapshot.heardAtMs > rules.maxUnwatchedMs;
  // While its traffic is withheld nothing is compared: neither those kept from it nor the others are the release's.
  const withholds = release !== null && release.share > 0 && (isUnwatched || candidate === null);
  if (withholds) {
    return { arm: "baseline", releaseId: null, bundle: baseline, clusterKey, source, withheld: arm === "candidate" };
  }
  const bundle = arm === "candidate" ? candidate : baseline;
  return { arm, releaseId: release?.releaseId ?? null, bundle, clusterKey, source, withheld: false };
};

const bundleOf = ({ bundles }: Snapshot, digest: Digest | undefined): AssignedBundle | null => {
  const bundle = digest === undefined ? undefined : bundles[digest];
  return digest !== undefined && bundle ? { digest, bundle } : null;
};
