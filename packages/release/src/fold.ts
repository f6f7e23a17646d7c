import type { ApplicationName, ReleaseEvent } from "@sluice/contracts";
import * as Result from "effect/Result";
import { type ApplicationState, initialState } from "./application-state.ts";
import { apply } from "./apply.ts";
import type { Refusal } from "./refusal.ts";

/** An event that is not legal in the state it meets changes nothing. */
export const evolve = (state: ApplicationState, event: ReleaseEvent): ApplicationState =>
  Result.getOrElse(apply(state, event), () => state);

/** All applications, as one service knows them. */
export type Applications = ReadonlyMap<ApplicationName, ApplicationState>;

export interface Folded {
  readonly state: ApplicationState;
  /** Null when the event was accepted. */
  readonly refusal: Refusal | null;
}

/** Folds one event and tells whether it was accepted: what the registry records beside the event. */
export const foldEvent = (applications: Applications, event: ReleaseEvent): Folded => {
  const state = applications.get(event.application) ?? initialState(event.application);
  return Result.match(apply(state, event), {
    onFailure: (refusal): Folded => ({ state, refusal }),
    onSuccess: (next): Folded => ({ state: next, refusal: null }),
  });
};
