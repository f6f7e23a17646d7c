import {
  environment,
  environmentLayers,
  launch,
  operationsAddress,
  reachable,
  readSettings,
  releaseMetrics,
  serveOperations,
} from "@sluice/service-host";
import * as Config from "effect/Config";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import * as Option from "effect/Option";
import * as Redacted from "effect/Redacted";
import { canaryControllerService } from "./canary-controller-service.ts";

const { releaseLog, artifacts, telemetry, pager } = environmentLayers("sluice-canary-controller");

/** Left out: the default of `CanaryControllerSettings`. */
const milliseconds = (variable: string) => Config.option(Config.Int(variable));

const settings = Effect.gen(function* () {
  const read = yield* readSettings({
    gatewayUrl: Config.option(Config.String("SLUICE_GATEWAY_URL")),
    probeKey: Config.option(Config.Redacted("SLUICE_PROBE_KEY")),
    judgementLagMs: milliseconds("SLUICE_JUDGEMENT_LAG_MS"),
    watermarkGraceMs: milliseconds("SLUICE_WATERMARK_GRACE_MS"),
    gatewayTimeoutMs: milliseconds("SLUICE_GATEWAY_TIMEOUT_MS"),
  });
  const { judgementLagMs, watermarkGraceMs, gatewayTimeoutMs } = read;
  return {
    gatewayUrl: Option.getOrNull(read.gatewayUrl),
    probeKey: Option.getOrNull(Option.map(read.probeKey, Redacted.value)),
    ...(Option.isSome(judgementLagMs) && { judgementLagMs: judgementLagMs.value }),
    ...(Option.isSome(watermarkGraceMs) && { watermarkGraceMs: watermarkGraceMs.value }),
    ...(Option.isSome(gatewayTimeoutMs) && { gatewayTimeoutMs: gatewayTimeoutMs.value }),
  };
});

const { bus, database, telemetry: clickhouse, pager: pages } = environment;

const needs = { bus, database, clickhouse, pages, settings, operations: operationsAddress(4_404) };

launch("canary-controller", needs, (read) =>
  Effect.gen(function* () {
    const started = yield* serveOperations(read.operations);
    const ports = yield* Layer.build(Layer.mergeAll(releaseLog, artifacts, telemetry, pager));
    yield* Effect.provideContext(Effect.andThen(canaryControllerService(read.settings), releaseMetrics), ports);
    yield* started({
      bus: reachable.bus(ports),
      database: reachable.database(ports),
      telemetry: reachable.telemetry(ports),
    });
  }),
);
