import type { Timestamp } from "@sluice/contracts";
import { type ApplicationState, type Applications, overrideEndsAt, type Release } from "@sluice/release";

/** The release of an application that waits for the gate's answer, if there is one. */
export const releaseToGate = (state: ApplicationState): Release | undefined =>
  state.active?.phase === "requested" ? state.active : undefined;

/** All releases that wait, over all applications. */
export const releasesToGate = (applications: Applications): ReadonlyArray<Release> =>
  [...applications.values()].flatMap((state) => releaseToGate(state) ?? []);

/** Active releases whose override is over: what the gate said of them holds again. */
export const overridesOver = (applications: Applications, now: Timestamp): ReadonlyArray<Release> =>
  [...applications.values()].flatMap(({ active }) => {
    const endsAt = active && overrideEndsAt(active);
    return active && endsAt && endsAt <= now ? [active] : [];
  });
