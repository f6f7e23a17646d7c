import { type Routing, routingTopic } from "@sluice/contracts";
import { EventBus } from "@sluice/event-bus/event-bus";
import * as Effect from "effect/Effect";
import * as Schedule from "effect/Schedule";
import type { RoutingTable } from "../domain/routing-table.ts";

/** What happens outside of the table when a routing comes. */
export interface RoutingListeners {
  readonly onChanged: (routing: Routing) => void;
  readonly onHeard: () => void;
  readonly onStale: () => void;
}

const retryPause = Schedule.min([Schedule.exponential("100 millis"), Schedule.spaced("5 seconds")]);

/**
 * Follows the routing topic into the table. Returns once all that was in the topic is known; with the bus down it
 * keeps trying, so the caller decides how long to wait.
 */
export const followRoutings = Effect.fn("followRoutings")(function* (table: RoutingTable, listeners: RoutingListeners) {
  const bus = yield* EventBus;
  let caughtUp = false;
  const follow = bus.follow(routingTopic, (batch) =>
    Effect.sync(() => {
      for (const { event } of batch) {
        const acceptance = table.accept(event, Date.now(), caughtUp);
        if (acceptance === "changed") listeners.onChanged(event);
        else if (acceptance === "heard") listeners.onHeard();
        else listeners.onStale();
      }
    }),
  );
  yield* follow.pipe(
    Effect.tapError((error) => Effect.logWarning(`routing cannot be followed yet: ${error.message}`)),
    Effect.retry(retryPause),
    // The schedule never ends.
    Effect.orDie,
  );
  caughtUp = true;
});
