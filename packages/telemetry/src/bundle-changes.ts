import type { ApplicationName, BundleReference, Digest, ReleaseEvent, ReleaseId, Timestamp } from "@sluice/contracts";

/** What makes a bundle known, brings users to it, or takes them away again. */
export const bundleChangeTypes = [
  "ApplicationRegistered",
  "ReleaseRequested",
  "CanaryStepStarted",
  "CanaryBreached",
  "ReleasesStopped",
  "ReleaseAborted",
  "ReleaseRolledBack",
  "ReleaseCompleted",
  "BaselineRolledBack",
] as const satisfies ReadonlyArray<ReleaseEvent["_tag"]>;

export interface BundleChange {
  readonly type: (typeof bundleChangeTypes)[number];
  readonly application: ApplicationName;
  /** Null for what belongs to no release. */
  readonly releaseId: ReleaseId | null;
  readonly at: Timestamp;
  /** The bundle that became known: registered or requested. */
  readonly bundle: BundleReference | null;
  /** The bundle that an operator went back to. */
  readonly to: Digest | null;
}

export const hasPart = ({ digest, artifacts }: BundleReference, wanted: Digest): boolean =>
  digest === wanted || Object.values(artifacts).includes(wanted);

type Changing = Extract<ReleaseEvent, { readonly _tag: BundleChange["type"] }>;
const isChange = (event: ReleaseEvent): event is Changing =>
  bundleChangeTypes.some((type) => type === event._tag) && (event._tag !== "CanaryStepStarted" || event.step === 0);

const bundleOf = (event: Changing): BundleReference | null => {
  if (event._tag === "ReleaseRequested") return event.candidate;
  return event._tag === "ApplicationRegistered" ? event.baseline : null;
};

/**
 * What happened to bundles in every application that ever had this bundle, or one with this part, in the order of time: what
 * the statement in ClickHouse gives. Pure.
 */
export const bundleChangesOf = (digest: Digest, accepted: ReadonlyArray<ReleaseEvent>): ReadonlyArray<BundleChange> => {
  const changes = accepted.filter(isChange).map(
    (event): BundleChange => ({
      type: event._tag,
      application: event.application,
      releaseId: "releaseId" in event ? event.releaseId : null,
      at: event.at,
      bundle: bundleOf(event),
      to: event._tag === "BaselineRolledBack" ? event.to : null,
    }),
  );
  const applications = new Set(
    changes.flatMap(({ application, bundle }) => (bundle && hasPart(bundle, digest) ? [application] : [])),
  );
  return changes.filter(({ application }) => applications.has(application)).sort((a, b) => a.at.localeCompare(b.at));
};
