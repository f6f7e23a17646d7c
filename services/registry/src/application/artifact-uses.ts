import type { ArtifactUsesBody, ArtifactVersion, BundleUse, Digest, ReleaseId, ReleasePhase } from "@sluice/contracts";
import { type BundleChange, hasPart } from "@sluice/telemetry/bundle-changes";

/** More are read by no person; the totals say how many there are. */
const MOST = 1_000;

type Use = { -readonly [K in keyof Omit<BundleUse, "phase">]: BundleUse[K] };

/** Ends what users are served, if they are served anything. */
const ended = (served: BundleUse["asBaseline"], at: string): BundleUse["asBaseline"] =>
  served && served.until === null ? { ...served, until: at } : served;

/** What is known of one application while its changes are read, in the order of time. */
interface Known {
  baseline: Use | null;
  /** That users meet: an application has one at most. */
  candidate: Use | null;
  readonly releases: Map<ReleaseId, Use>;
  readonly bundles: Map<Digest, BundleUse["bundle"]>;
}

/** Every time that some bundle was meant for an application's users, oldest first. Pure: a fold of what happened to bundles. */
export const usesOf = (changes: ReadonlyArray<BundleChange>): ReadonlyArray<Omit<BundleUse, "phase">> => {
  const uses: Array<Use> = [];
  const applications = new Map<string, Known>();
  for (const change of changes) {
    const { application } = change;
    const known = applications.get(application) ?? {
      baseline: null,
      candidate: null,
      releases: new Map(),
      bundles: new Map(),
    };
    applications.set(application, known);
    const begun = begin(known, change);
    if (begun) uses.push(begun);
    if (change.type !== "ReleaseRequested") turn(known, change, begun);
  }
  return uses;
};

/** A registration, a request or a rollback is the beginning of a use. */
const begin = (known: Known, { type, application, releaseId, at, bundle, to }: BundleChange): Use | null => {
  const cause = {
    ApplicationRegistered: "registered",
    ReleaseRequested: "release",
    BaselineRolledBack: "rollback",
  } as const;
  const meant = type === "BaselineRolledBack" ? known.bundles.get(to ?? "") : bundle;
  if (!meant || !(type in cause)) return null;
  const use: Use = {
    application,
    cause: cause[type as keyof typeof cause],
    releaseId,
    bundle: meant,
    at,
    asCandidate: null,
    asBaseline: null,
  };
  known.bundles.set(meant.digest, meant);
  if (releaseId !== null) known.releases.set(releaseId, use);
  return use;
};

/** Users come to a bundle, or leave it. */
const turn = (known: Known, { type, releaseId, at }: BundleChange, begun: Use | null): void => {
  const use = begun ?? (releaseId === null ? null : (known.releases.get(releaseId) ?? null));
  if (type === "CanaryStepStarted") {
    if (use) use.asCandidate = { from: at, until: null };
    known.candidate = use;
    return;
  }
  // Whatever else it is, it ends the candidate: of the release that it names, or the one that there is.
  const { candidate } = known;
  if (candidate && (releaseId ?? candidate.releaseId) === candidate.releaseId) {
    candidate.asCandidate = ended(candidate.asCandidate, at);
    known.candidate = null;
  }
  const becomesBaseline = ["ApplicationRegistered", "ReleaseCompleted", "BaselineRolledBack"].includes(type);
  if (!becomesBaseline || !use) return;
  if (known.baseline) known.baseline.asBaseline = ended(known.baseline.asBaseline, at);
  use.asBaseline = { from: at, until: null };
  known.baseline = use;
};

/** What the artifact page shows of a digest. `phaseOf` tells how a release stands now. */
export const artifactUses = (
  digest: Digest,
  changes: ReadonlyArray<BundleChange>,
  phaseOf: (application: string, releaseId: ReleaseId) => ReleasePhase | null,
): ArtifactUsesBody => {
  const all = usesOf(changes).toReversed();
  const mine = all.filter(({ bundle }) => hasPart(bundle, digest));
  const kind = mine.map(({ bundle }) => kindIn(bundle, digest)).find((found) => found !== null) ?? null;
  const versions = new Map<Digest, ArtifactVersion>();
  for (const { application, releaseId, bundle, at } of all) {
    const part = kind && bundle.artifacts[kind];
    if (part && part !== digest && !versions.has(part))
      versions.set(part, { digest: part, application, releaseId, at });
  }
  return {
    uses: mine.slice(0, MOST).map((use) => ({
      ...use,
      phase: use.releaseId === null ? null : phaseOf(use.application, use.releaseId),
    })),
    usesTotal: mine.length,
    kind,
    versions: [...versions.values()].slice(0, MOST),
    versionsTotal: versions.size,
  };
};

const kinds = ["prompt", "model", "retrieval-index", "tool-schema"] as const;
const kindIn = ({ artifacts }: BundleUse["bundle"], digest: Digest): (typeof kinds)[number] | null =>
  kinds.find((kind) => artifacts[kind] === digest) ?? null;
