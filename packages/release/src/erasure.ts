import type { ReleaseEventOf } from "@sluice/contracts";
import * as Result from "effect/Result";
import type { ApplicationState } from "./application-state.ts";
import { type Refusal, refuse } from "./refusal.ts";

type Applied = Result.Result<ApplicationState, Refusal>;

/** What has to be erased is on record before anything is: whoever is stopped on the way goes on from there. */
export const requestErasure = (state: ApplicationState, event: ReleaseEventOf<"ErasureRequested">): Applied => {
  const { erasureId, clusterKeys, artifacts, author, reason } = event;
  if (!state.baseline)
    return refuse("unknown-application", `application ${event.application} has no baseline yet: register it first`);
  if (author.role !== "admin")
    return refuse("wrong-role", `${author.id} has role ${author.role}; an erasure cannot be undone, and needs admin`);
  const added = { erasureId, clusterKeys, artifacts, author, reason, requestedAt: event.at, done: null };
  return Result.succeed({ ...state, erasures: [...state.erasures, added], seen: [...state.seen, event.eventId] });
};

export const concludeErasure = (state: ApplicationState, event: ReleaseEventOf<"PayloadsErased">): Applied => {
  const open = state.erasures.find(({ erasureId, done }) => erasureId === event.erasureId && done === null);
  if (!open) return refuse("unknown-erasure", `no erasure ${event.erasureId} of ${event.application} is open`);
  const done = { at: event.at, observations: event.observations, judgements: event.judgements };
  return Result.succeed({
    ...state,
    erasures: state.erasures.map((one) => (one === open ? { ...one, done } : one)),
    seen: [...state.seen, event.eventId],
  });
};
