import { digestOf, type EventId, type ReleaseEventType } from "@sluice/contracts";

/**
 * The id of an event, derived from its cause: the same decision taken twice (a retry, a second instance, a replay) is
 * the same event and is ignored by every fold. Time is no part of it; the application is, since two applications may
 * use the same releaseId.
 */
export const eventIdOf = (
  tag: ReleaseEventType,
  application: string,
  ...cause: ReadonlyArray<string | number>
): EventId => `evt-${digestOf([tag, application, ...cause]).slice("sha256:".length, "sha256:".length + 40)}`;
