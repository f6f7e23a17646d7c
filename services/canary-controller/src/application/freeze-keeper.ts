import { EVERY_APPLICATION, type Timestamp } from "@sluice/contracts";
import {
  type ApplicationState,
  type Applications,
  freezesToCopy,
  freezesToLift,
  hasSeenFreeze,
  policyOf,
  type ReleaseCommand,
} from "@sluice/release";
import { openWindows } from "./freeze-windows.ts";

/**
 * What freezes call for now: the copies of those of all applications, the end of those whose time is over, and a freeze for
 * each recurring window of the active release's policy that is open. Only this service moves a
 * release forward, and it looks here first: no step can slip in between a window's start and its event.
 */
export const freezeCommands = (
  applications: Applications,
  state: ApplicationState,
  now: Timestamp,
): ReadonlyArray<ReleaseCommand> => [
  ...freezesToCopy(applications.get(EVERY_APPLICATION), state, now),
  ...freezesToLift(state, now),
  ...windowFreezes(state, now),
];

/** Windows are noted where they hold something up; the record need not know of each weekend. */
const windowFreezes = (state: ApplicationState, now: Timestamp): ReadonlyArray<ReleaseCommand> => {
  const { active, application } = state;
  if (active?.phase !== "shadow-passed" && active?.phase !== "canary") return [];
  return openWindows(policyOf(active).freezeWindows, now)
    .map((open) => ({ ...open, freezeId: `window/${open.name}/${open.from}` }))
    .filter(({ freezeId }) => !hasSeenFreeze(state, freezeId))
    .map(({ freezeId, name, until }) => ({
      _tag: "FreezeReleases",
      application,
      at: now,
      freezeId,
      scope: "window",
      until,
      author: null,
      reason: `freeze window ${name}`,
    }));
};
