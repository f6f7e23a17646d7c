import type { ApplicationName, CanaryEvidence, CanaryWindow, ReleaseEvent, ReleaseId } from "@sluice/contracts";
import { type Applications, foldEvent } from "@sluice/release";

/** What later decisions need of earlier events of an active release, and the folded state does not keep. */
interface ReleaseHistory {
  /** Evidence of each passed step: its windows as they were judged, which is what a replay sees. */
  readonly passed: ReadonlyMap<number, CanaryEvidence>;
  /** Version of the application with which each step started: who serves it, or a later one, has taken the step's share. */
  readonly started: ReadonlyMap<number, number>;
  /** Version of the application when the release was pinned: what gateways must at least serve. */
  readonly pinnedVersion: number | null;
}

/** Folded from the whole log, refused events left out; kept for active releases only. */
export interface StepHistory {
  readonly applications: Applications;
  /** By `keyOf`: two applications may call a release the same. */
  readonly releases: ReadonlyMap<string, ReleaseHistory>;
}

interface ReleaseName {
  readonly application: ApplicationName;
  readonly releaseId: ReleaseId;
}

const keyOf = ({ application, releaseId }: ReleaseName): string => `${application}/${releaseId}`;

export const emptyHistory: StepHistory = { applications: new Map(), releases: new Map() };

export const recordEvent = (history: StepHistory, event: ReleaseEvent): StepHistory => {
  const { state, refusal } = foldEvent(history.applications, event);
  if (refusal) return history;
  const releases = new Map(history.releases);
  const before = history.applications.get(event.application)?.active?.releaseId;
  if (before && before !== state.active?.releaseId)
    releases.delete(keyOf({ application: event.application, releaseId: before }));
  if (event._tag === "CanaryStepPassed" && state.active) {
    const known = releases.get(keyOf(event)) ?? none;
    releases.set(keyOf(event), { ...known, passed: new Map(known.passed).set(event.step, event.evidence) });
  }
  if (event._tag === "CanaryStepStarted" && state.active) {
    const known = releases.get(keyOf(event)) ?? none;
    releases.set(keyOf(event), { ...known, started: new Map(known.started).set(event.step, state.version) });
  }
  if (event._tag === "CanaryBreached")
    releases.set(keyOf(event), { ...(releases.get(keyOf(event)) ?? none), pinnedVersion: state.version });
  return { applications: new Map(history.applications).set(event.application, state), releases };
};

const none: ReleaseHistory = { passed: new Map(), started: new Map(), pinnedVersion: null };

/** Whether everything up to a version of the application has been recorded. */
export const hasReached = (history: StepHistory, application: ApplicationName, version: number): boolean =>
  (history.applications.get(application)?.version ?? 0) >= version;

export const passedEvidence = (history: StepHistory, release: ReleaseName, step: number): CanaryEvidence | null =>
  history.releases.get(keyOf(release))?.passed.get(step) ?? null;

/** Windows of all steps before `step`, in order. */
export const earlierWindows = (history: StepHistory, release: ReleaseName, step: number): ReadonlyArray<CanaryWindow> =>
  Array.from({ length: step }, (_, earlier) => passedEvidence(history, release, earlier)?.windows ?? []).flat();

export const startedVersion = (history: StepHistory, release: ReleaseName, step: number): number | null =>
  history.releases.get(keyOf(release))?.started.get(step) ?? null;

export const pinnedVersion = (history: StepHistory, release: ReleaseName): number | null =>
  history.releases.get(keyOf(release))?.pinnedVersion ?? null;
