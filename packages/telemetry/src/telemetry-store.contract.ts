import { describe, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import type * as Layer from "effect/Layer";
import { bundleChangesContract } from "./contract/bundle-changes.contract.ts";
import { erasureContract } from "./contract/erasure.contract.ts";
import { pairsContract } from "./contract/pairs.contract.ts";
import type { Promises } from "./contract/promises.fixture.ts";
import { trafficContract } from "./contract/traffic.contract.ts";
import { unitsContract } from "./contract/units.contract.ts";
import { windowsContract } from "./contract/windows.contract.ts";
import { TelemetryStore } from "./telemetry-store.ts";

/** What every telemetry store promises. `layer` must give an empty store. */
export const telemetryStoreContract = <E>(name: string, layer: () => Layer.Layer<TelemetryStore, E>) => {
  const promises: Promises = (sentence, run) =>
    it.effect(sentence, () => Effect.provide(Effect.flatMap(TelemetryStore, run), layer()));

  describe(name, () => {
    windowsContract(promises);
    unitsContract(promises);
    trafficContract(promises);
    bundleChangesContract(promises);
    pairsContract(promises);
    erasureContract(promises);
  });
};
