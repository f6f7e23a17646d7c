import { type ApplicationName, epochMsOf, type ReleaseId, type Timestamp, timestampOf } from "@sluice/contracts";
import { policyOf, type Release, shareOf } from "@sluice/release";

/** A canary step as a range of windows. */
export interface WindowedStep {
  readonly key: string;
  readonly application: ApplicationName;
  readonly releaseId: ReleaseId;
  readonly step: number;
  readonly share: number;
  readonly startedAt: Timestamp;
  readonly windowSeconds: number;
  /** End of the last window that the step before was judged by; null in the first step. */
  readonly judgedBefore: Timestamp | null;
}

export const windowedStep = (release: Release, judgedBefore: Timestamp | null): WindowedStep => {
  const { releaseId, request } = release;
  const step = release.step ?? 0;
  return {
    key: `${request.application}/${releaseId}/${step}`,
    application: request.application,
    releaseId,
    step,
    share: shareOf(release),
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

/** Least time in which every gateway has surely taken the step's share. */
const SHARE_SETTLES_MS = 2_000;

/**
 * From here on conversations are counted against the step's share. Gateways take it one after the other: conversations of
 * that time fall on neither the old share nor the new one, and must not look like a broken assignment.
 */
export const conversationsSince = ({ startedAt, windowSeconds }: WindowedStep): Timestamp =>
  timestampOf(epochMsOf(startedAt) + Math.max(SHARE_SETTLES_MS, windowSeconds * 1_000));
