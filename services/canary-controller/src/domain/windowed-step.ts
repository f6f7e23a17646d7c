import { type ApplicationName, epochMsOf, type ReleaseId, type Timestamp, timestampOf } from "@sluice/contracts";
import { policyOf, type Release, shareOf } from "@sluice/release";

/** A canary step as a range of windows. */
export interface WindowedStep {
  readonly key: string;
  readonly application: ApplicationName;
  readonly releaseId: ReleaseId;
  readonly step: number;
  readonly share: number;
  /** Who serves this version of the routing, or a later one, serves the step's share. */
  readonly version: number;
  readonly startedAt: Timestamp;
  readonly windowSeconds: number;
  /** End of the last window that the step before was judged by; null in the first step. */
  readonly judgedBefore: Timestamp | null;
}

export const keyOfStep = ({ releaseId, request, step }: Release): string =>
  `${request.application}/${releaseId}/${step ?? 0}`;

export const windowedStep = (release: Release, version: number, judgedBefore: Timestamp | null): WindowedStep => {
  const { releaseId, request } = release;
  const step = release.step ?? 0;
  return {
    key: keyOfStep(release),
    application: request.application,
    releaseId,
    step,
    share: shareOf(release),
    version,
    startedAt: release.since,
    windowSeconds: policyOf(release).canary.windowSeconds,
    judgedBefore,
  };
};

/** A step's windows follow those of the step before without a gap, so that nothing happens unseen between two steps. */
export const startOfWindows = ({ judgedBefore, startedAt, windowSeconds }: WindowedStep): Timestamp => {
  const windowMs = windowSeconds * 1_000;
  return judgedBefore ?? timestampOf(Math.floor(epochMsOf(startedAt) / windowMs) * windowMs);
};

/** So long after a gateway has taken a share, requests may still end that were assigned before. */
const SHARE_SETTLES_MS = 2_000;

/** A gateway that has not taken the share by then is no late one: that its users fall on the wrong side must be seen. */
const LATEST_TAKEN_MS = 60_000;

/**
 * From here on conversations are counted against the step's share; null: from when is not known yet. Gateways take it one
 * after the other, and late where the bus lags: until the last one says that it has, conversations fall on neither the old
 * share nor the new one, and must not look like a broken assignment.
 */
export const conversationsSince = (
  { startedAt, windowSeconds }: WindowedStep,
  taken: Timestamp | null,
  now: Timestamp,
): Timestamp | null => {
  const startedMs = epochMsOf(startedAt);
  if (taken === null && epochMsOf(now) - startedMs < LATEST_TAKEN_MS) return null;
  const takenMs = Math.max(startedMs, taken === null ? startedMs : epochMsOf(taken));
  return timestampOf(takenMs + Math.max(SHARE_SETTLES_MS, windowSeconds * 1_000));
};
