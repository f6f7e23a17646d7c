import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import { environment, environmentLayers } from "./environment-layers.ts";
import { readSettings } from "./read-settings.ts";

/**
 * Brings PostgreSQL and ClickHouse forward to what this version needs, and changes nothing where they are. PostgreSQL's
 * migrations are applied once each, in one transaction, under an advisory lock: any number may run this at a time.
 */
export const migrateServers = Effect.gen(function* () {
  const { database, telemetry } = environment;
  yield* readSettings({ database, telemetry });
  const { artifacts, eventStore, tokens, judgeMemory, telemetry: clickHouse } = environmentLayers("sluice-migrate");
  // Opening a store brings its tables forward.
  yield* Effect.scoped(Layer.build(Layer.mergeAll(artifacts, eventStore, tokens, judgeMemory, clickHouse)));
});
