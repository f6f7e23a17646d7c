import { type ApplicationName, type ReleaseState, releaseStateTopic, type Webhook } from "@sluice/contracts";
import { EventBus, type Received } from "@sluice/event-bus";
import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";

export class WebhookError extends Schema.TaggedError<WebhookError>()("WebhookError", { message: Schema.String }) {}

export interface WebhookTarget extends Webhook {
  readonly secret: string;
}

/** A broken receiver is not hammered; longer, and a bus would take its consumer for dead. */
const LONGEST_PAUSE_MS = 10_000;

/** After this long without an answer a state is given up: newer ones say more. */
const GIVEN_UP_AFTER_MS = 24 * 3_600_000;

/**
 * Tells every receiver of every change of release state, in the order of each application. Where it goes on after a restart
 * is kept by the bus (a group for each receiver), so two registries share the work and nothing is told to nobody. A receiver
 * that does not answer makes its batch come again, as the bus does it: a consumer that waited itself would lose its place.
 */
export const startWebhooks = Effect.fn("startWebhooks")(function* (
  targets: ReadonlyArray<WebhookTarget>,
  post: (target: WebhookTarget, state: ReleaseState) => Effect.Effect<void, WebhookError>,
) {
  const bus = yield* EventBus;
  for (const target of targets)
    yield* bus.consume(releaseStateTopic, `sluice-webhook-${target.id}`, deliverTo(target, post));
});

const deliverTo = (
  target: WebhookTarget,
  post: (target: WebhookTarget, state: ReleaseState) => Effect.Effect<void, WebhookError>,
) => {
  /** Of a batch that comes again, and of states that a registry repeats at its start, the newest that was told. */
  const told = new Map<ApplicationName, number>();
  let failingSinceMs: number | null = null;
  let failures = 0;
  const isWanted = ({ application, version }: ReleaseState) =>
    (target.applications?.includes(application) ?? true) && (told.get(application) ?? -1) < version;

  const giveUpOrFail = (state: ReleaseState, error: WebhookError) =>
    Effect.flatMap(Clock.currentTimeMillis, (nowMs) => {
      failingSinceMs ??= nowMs;
      failures += 1;
      if (nowMs - failingSinceMs < GIVEN_UP_AFTER_MS)
        return Effect.andThen(Effect.sleep(Math.min(50 * 2 ** failures, LONGEST_PAUSE_MS)), Effect.fail(error));
      return Effect.logError(`${error.message}; version ${state.version} of ${state.application} is not told there`);
    });
  const deliver = Effect.fnUntraced(function* (state: ReleaseState) {
    yield* Effect.catch(post(target, state), (error) => giveUpOrFail(state, error));
    failingSinceMs = null;
    failures = 0;
    told.set(state.application, state.version);
  });
  return (batch: ReadonlyArray<Received<ReleaseState>>) =>
    Effect.forEach(batch, ({ event }) => (isWanted(event) ? deliver(event) : Effect.void), { discard: true });
};
