import { BusError, EventBus } from "@sluice/event-bus/event-bus";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import * as Schedule from "effect/Schedule";

const reconnect = Schedule.min([Schedule.exponential("500 millis"), Schedule.spaced("10 seconds")]);

/**
 * A bus that may be opened later. A gateway has to start, and serve what its disk knows, while the bus is down; until
 * the real one could be opened, whatever is asked of it fails as any other loss of the bus does.
 */
export const layerPatient = <E extends { readonly message: string }>(
  bus: Layer.Layer<EventBus, E>,
): Layer.Layer<EventBus> =>
  Layer.effect(
    EventBus,
    Effect.gen(function* () {
      const scope = yield* Effect.scope;
      let open: EventBus["Service"] | null = null;
      yield* Layer.buildWithScope(bus, scope).pipe(
        Effect.flatMap((context) => Effect.provideContext(EventBus, context)),
        Effect.tap((service) =>
          Effect.sync(() => {
            open = service;
          }),
        ),
        Effect.tapError((error) => Effect.logWarning(`the bus cannot be opened yet: ${error.message}`)),
        Effect.retry(reconnect),
        Effect.forkScoped,
      );
      const opened = (operation: BusError["operation"]) =>
        Effect.suspend(() =>
          open
            ? Effect.succeed(open)
            : Effect.fail(new BusError({ operation, message: "the bus has not been reached yet" })),
        );
      return EventBus.of({
        publish: (topic, events) => Effect.flatMap(opened("publish"), (service) => service.publish(topic, events)),
        consume: (topic, group, handler) =>
          Effect.flatMap(opened("consume"), (service) => service.consume(topic, group, handler)),
        follow: (topic, handler) => Effect.flatMap(opened("follow"), (service) => service.follow(topic, handler)),
      });
    }),
  );
