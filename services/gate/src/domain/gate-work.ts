import type { ApplicationState, Applications, Release } from "@sluice/release";

/** The release of an application that waits for the gate's answer, if there is one. */
export const releaseToGate = (state: ApplicationState): Release | undefined =>
  state.active?.phase === "requested" ? state.active : undefined;

/** All releases that wait, over all applications. */
export const releasesToGate = (applications: Applications): ReadonlyArray<Release> =>
  [...applications.values()].flatMap((state) => releaseToGate(state) ?? []);
