import { layerMemory } from "./memory-telemetry-store.ts";
import { telemetryStoreContract } from "./telemetry-store.contract.ts";

telemetryStoreContract("the telemetry store in memory", () => layerMemory);
