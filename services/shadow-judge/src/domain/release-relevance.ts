import { type ApplicationState, endOf, findRelease, type Release } from "@sluice/release";

/** Phases from which a release cannot come back to its shadow or its canary. */
const earlier = new Set(["queued", "requested", "gate-passed"]);

export type Relevance =
  | { readonly is: "wanted"; readonly release: Release }
  /** The log that this service has folded does not tell yet. */
  | { readonly is: "not-yet-known" }
  | { readonly is: "past" };

/**
 * Whether a release is in one of the phases for which its data is judged. Data may come before the log that explains it:
 * gateways fold it through the routing, this service by itself.
 */
export const relevanceOf = (
  state: ApplicationState | undefined,
  releaseId: string,
  wanted: "shadow" | "canary",
): Relevance => {
  const release = state && findRelease(state, releaseId);
  if (!release) return { is: state && endOf(state, releaseId) ? "past" : "not-yet-known" };
  if (release.phase === wanted) return { is: "wanted", release };
  const comes = earlier.has(release.phase) || (wanted === "canary" && /^shadow/.test(release.phase));
  return { is: comes ? "not-yet-known" : "past" };
};
