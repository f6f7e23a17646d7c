import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import { eventStoreContract } from "./event-store-contract.ts";
import { layerMemory } from "./memory-event-store.ts";

eventStoreContract("the record in memory", Effect.provide(Layer.fresh(layerMemory)));
