import type { ApplicationName, ReleaseId, ReleasePhase, Timestamp } from "@sluice/contracts";
import { type ApplicationState, type Applications, endOf, findRelease } from "@sluice/release";

export interface ListedRelease {
  readonly releaseId: ReleaseId;
  readonly application: ApplicationName;
  readonly phase: ReleasePhase;
  readonly since: Timestamp;
}

const releasesOf = (state: ApplicationState): ReadonlyArray<ListedRelease> => {
  const open = [...(state.active ? [state.active] : []), ...state.queue, ...state.blocked];
  return [
    ...open.map(({ releaseId, phase, since }) => ({ releaseId, application: state.application, phase, since })),
    ...Object.entries(state.ended).map(([releaseId, { phase, at }]) => ({
      releaseId,
      application: state.application,
      phase,
      since: at,
    })),
  ];
};

/** Releases of one application or of all, those that changed last first. */
export const listReleases = (
  applications: Applications,
  application: ApplicationName | undefined,
  limit: number,
): ReadonlyArray<ListedRelease> =>
  [...applications.values()]
    .filter((state) => application === undefined || state.application === application)
    .flatMap(releasesOf)
    .sort((a, b) => b.since.localeCompare(a.since) || a.releaseId.localeCompare(b.releaseId))
    .slice(0, limit);

/** The releases with this id: the id is an application's own, so several may have one. */
export const locateReleases = (
  applications: Applications,
  releaseId: ReleaseId,
  application: ApplicationName | undefined,
): ReadonlyArray<ListedRelease> =>
  [...applications.values()]
    .filter((state) => application === undefined || state.application === application)
    .flatMap((state) => releaseOf(state, releaseId) ?? []);

/** Looked up, not searched for: an application that has released for years is asked as fast as a new one. */
const releaseOf = (state: ApplicationState, releaseId: ReleaseId): ListedRelease | undefined => {
  const { application } = state;
  const open = findRelease(state, releaseId);
  if (open) return { releaseId, application, phase: open.phase, since: open.since };
  const end = endOf(state, releaseId);
  return end && { releaseId, application, phase: end.phase, since: end.at };
};
