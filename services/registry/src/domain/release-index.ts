import type { ApplicationName, ReleaseId, ReleasePhase, Timestamp } from "@sluice/contracts";
import type { ApplicationState, Applications } from "@sluice/release";

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
    .flatMap(releasesOf)
    .filter((release) => release.releaseId === releaseId);
