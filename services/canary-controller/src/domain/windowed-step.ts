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

/** Gateways take the step's share one after the other; conversations of that time fall on neither the old nor the new one. */
const SHARE_SETTLES_MS = 2_000;

export const conversationsSince = ({ startedAt }: WindowedStep): Timestamp =>
  timestampOf(epochMsOf(startedAt) + SHARE_SETTLES_MS);
