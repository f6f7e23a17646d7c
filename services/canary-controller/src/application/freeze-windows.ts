import { epochMsOf, type FreezeWindow, type Timestamp, timestampOf } from "@sluice/contracts";
import * as Cron from "effect/Cron";

/** One time that a window has come round. */
export interface OpenWindow {
  readonly name: string;
  readonly from: Timestamp;
  readonly until: Timestamp;
}

/**
 * The windows that are open at an instant. Their rules are those of the time zones on this machine; what follows from them
 * goes on the log as events, so that the log's readers need no time zones and a change of them changes no past.
 */
export const openWindows = (windows: ReadonlyArray<FreezeWindow>, now: Timestamp): ReadonlyArray<OpenWindow> =>
  windows.flatMap(({ name, from, until, timeZone }) => {
    // The search is strict: a window that begins now has begun.
    const began = Cron.prev(Cron.parseUnsafe(from, timeZone), new Date(epochMsOf(now) + 1));
    const ends = Cron.next(Cron.parseUnsafe(until, timeZone), began);
    return ends.getTime() > epochMsOf(now)
      ? [{ name, from: timestampOf(began.getTime()), until: timestampOf(ends.getTime()) }]
      : [];
  });
