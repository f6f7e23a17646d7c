import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import { EventBus } from "./event-bus.ts";
import { eventBusConformance } from "./event-bus-conformance.ts";
import { layerMemory } from "./memory-event-bus.ts";

// The log lives as long as the process: "opening" it again gives the same one.
const memory = Effect.runSync(Effect.cached(Effect.scoped(Effect.provide(EventBus, Layer.fresh(layerMemory)))));

eventBusConformance("the bus in memory", memory);
