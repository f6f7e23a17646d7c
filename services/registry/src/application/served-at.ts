import type { ApplicationName, ServedAtBody, Timestamp } from "@sluice/contracts";
import { EventStore, releaseEventOf } from "@sluice/event-store";
import { evolve, initialState, routesCandidate, shareOf } from "@sluice/release";
import * as Effect from "effect/Effect";

/**
 * What users of an application were served at an instant: the fold of what had happened until then, by the same function
 * that led the routing.
 */
export const servedAt = Effect.fn("servedAt")(function* (application: ApplicationName, at: Timestamp) {
  const store = yield* EventStore;
  let state = initialState(application);
  let position = 0;
  for (let after = 0; ; ) {
    const rows = yield* store.read({ application, after, limit: 1_000 });
    for (const row of rows) {
      const event = releaseEventOf(row);
      if (row.refusal !== null || !event || event.at > at) continue;
      state = evolve(state, event);
      position = row.position;
    }
    const last = rows.at(-1);
    if (!last) break;
    after = last.position;
  }
  const { active, baseline } = state;
  // A mirrored candidate answers nobody: it is told with the share 0.
  const candidate =
    active && routesCandidate(state)
      ? {
          releaseId: active.releaseId,
          bundle: active.request.candidate,
          phase: active.phase,
          step: active.step,
          share: shareOf(active),
        }
      : null;
  return { application, at, baseline, candidate, position } satisfies ServedAtBody;
});
