import {
  environment,
  environmentLayers,
  launch,
  operationsAddress,
  reachable,
  serveOperations,
} from "@sluice/service-host";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import { gateService } from "./gate-service.ts";

const { releaseLog, artifacts } = environmentLayers("sluice-gate");

const needs = { bus: environment.bus, database: environment.database, operations: operationsAddress(4_402) };

launch("gate", needs, ({ operations }) =>
  Effect.gen(function* () {
    const started = yield* serveOperations(operations);
    const ports = yield* Layer.build(Layer.mergeAll(releaseLog, artifacts));
    yield* Effect.provideContext(gateService(), ports);
    yield* started({ bus: reachable.bus(ports), database: reachable.database(ports) });
  }),
);
