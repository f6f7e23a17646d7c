import * as ArtifactStore from "@sluice/artifact-store";
import * as EventBus from "@sluice/event-bus";
import * as EventStore from "@sluice/event-store";
import { layerPg } from "@sluice/postgres";
import { ReleaseLog } from "@sluice/release-log";
import * as Telemetry from "@sluice/telemetry";
import * as TokenStore from "@sluice/token-store";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import { registryService } from "./registry-service.ts";

// One registry as a process of its own, so that it can be killed: node two-registries.fixture.ts DATABASE_URL KEY DIRECTORY

const [connectionString = "", signingKey = "", checkpointDirectory = ""] = process.argv.slice(2);

const ports = ReleaseLog.layer.pipe(
  Layer.provideMerge(
    Layer.mergeAll(
      EventBus.layerPostgres({ pollMs: 50 }),
      ArtifactStore.layerPostgres,
      EventStore.layerPostgres,
      TokenStore.layerPostgres,
      Telemetry.layerMemory,
    ),
  ),
  Layer.provide(layerPg({ connectionString, maxConnections: 4 })),
);

const main = Effect.gen(function* () {
  yield* registryService({ port: 0, signingKey, checkpointDirectory, checkpointSeconds: 1 });
  process.send?.("serving");
  return yield* Effect.never;
});
Effect.runFork(Effect.scoped(Effect.provide(main, ports)));
