import { type ApplicationName, type CanaryProgress, canaryProgressTopic } from "@sluice/contracts";
import { EventBus, type Received } from "@sluice/event-bus";
import type { ApplicationState } from "@sluice/release";
import * as Effect from "effect/Effect";
import * as PubSub from "effect/PubSub";

export interface KnownProgress {
  /** Of the release that is active now, at its present step; null while nothing is known of that. */
  readonly of: (state: ApplicationState) => CanaryProgress | null;
  /** As it comes in. Who reads too slowly misses what is no longer true. */
  readonly told: PubSub.PubSub<CanaryProgress>;
}

/** Follows what the controller tells of the steps of canaries: display only, no part of the record. */
export const followProgress = Effect.fn("followProgress")(function* () {
  const bus = yield* EventBus;
  const latest = new Map<ApplicationName, CanaryProgress>();
  const told = yield* PubSub.sliding<CanaryProgress>(256);
  yield* bus.follow(canaryProgressTopic, (batch: ReadonlyArray<Received<CanaryProgress>>) =>
    Effect.forEach(
      batch,
      ({ event }) => {
        latest.set(event.application, event);
        return PubSub.publish(told, event);
      },
      { discard: true },
    ),
  );
  return {
    of: ({ application, active }) => {
      const progress = latest.get(application);
      if (!progress || active?.phase !== "canary") return null;
      return active.releaseId === progress.releaseId && active.step === progress.step ? progress : null;
    },
    told,
  } satisfies KnownProgress;
});
