import { type ReleaseState, releaseStateTopic, type Webhook } from "@sluice/contracts";
import { EventBus, type Received } from "@sluice/event-bus";
import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import * as Schedule from "effect/Schedule";
import * as Schema from "effect/Schema";

export class WebhookError extends Schema.TaggedError<WebhookError>()("WebhookError", { message: Schema.String }) {}

export interface WebhookTarget extends Webhook {
  readonly secret: string;
}

/** A receiver that has been away for this long after a state is not told of that one any more: newer ones say more. */
const GIVEN_UP_AFTER_MS = 24 * 3_600_000;

/** Seconds at first, then minutes: an outage is noticed, a broken receiver is not hammered. */
const patience = Schedule.min([Schedule.exponential("500 millis"), Schedule.spaced("2 minutes")]);

/**
 * Tells every receiver of every change of release state, in the order of each application. Where it goes on after a restart
 * is kept by the bus (a group for each receiver), so two registries share the work and nothing is told to nobody.
 */
export const startWebhooks = Effect.fn("startWebhooks")(function* (
  targets: ReadonlyArray<WebhookTarget>,
  post: (target: WebhookTarget, state: ReleaseState) => Effect.Effect<void, WebhookError>,
) {
  const bus = yield* EventBus;
  const deliver = (target: WebhookTarget, state: ReleaseState) =>
    post(target, state).pipe(
      Effect.tapError((error) => Effect.logWarning(`${error.message}; trying again with ${state.application}`)),
      Effect.retry({
        schedule: patience,
        while: () => Effect.map(Clock.currentTimeMillis, (nowMs) => nowMs - Date.parse(state.at) < GIVEN_UP_AFTER_MS),
      }),
      Effect.catch((error) =>
        Effect.logError(`${error.message}; version ${state.version} of ${state.application} is not told there`),
      ),
    );
  yield* Effect.forEach(
    targets,
    (target) =>
      bus.consume(releaseStateTopic, `sluice-webhook-${target.id}`, (batch: ReadonlyArray<Received<ReleaseState>>) =>
        Effect.forEach(
          batch.filter(({ event }) => target.applications?.includes(event.application) ?? true),
          ({ event }) => deliver(target, event),
          { discard: true },
        ),
      ),
    { discard: true },
  );
});
