import type * as Effect from "effect/Effect";
import type { TelemetryStore } from "../telemetry-store.ts";

/** Tries a sentence on an empty store. */
export type Promises = (
  sentence: string,
  run: (store: TelemetryStore["Service"]) => Effect.Effect<void, unknown>,
) => void;
