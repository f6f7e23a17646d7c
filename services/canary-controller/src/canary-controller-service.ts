import type { ArtifactStore } from "@sluice/artifact-store";
import type { BusError, EventBus } from "@sluice/event-bus";
import type { Pager } from "@sluice/pager";
import type { ReleaseLog } from "@sluice/release-log";
import { onChangeOrTick } from "@sluice/release-log/on-change-or-tick";
import type { TelemetryStore } from "@sluice/telemetry";
import * as Effect from "effect/Effect";
import type * as Scope from "effect/Scope";
import { layerHttpGatewayClient } from "./adapters/http-gateway-client.ts";
import { controlLoop } from "./application/control-loop.ts";
import { knownGateways } from "./application/known-gateways.ts";
import { pageSender } from "./application/page-sender.ts";
import { probeRunner } from "./application/probe-runner.ts";
import { routingPublisher } from "./application/routing-publisher.ts";
import { telemetryIngest } from "./application/telemetry-ingest.ts";
import {
  type CanaryControllerSettings,
  type CanaryControllerSettingsInput,
  canaryControllerSettings,
} from "./settings.ts";

export interface RunningCanaryController {
  readonly service: "canary-controller";
}

/**
 * Starts the canary controller in the given scope: it owns routing, takes each release through its canary steps, pins and
 * rolls back on a breach, pages, sends safety probes, and keeps the telemetry store fed. Everything it decides follows from
 * the log and the telemetry store, so it may be killed and started again at any time.
 */
export const canaryControllerService = (
  input: CanaryControllerSettingsInput = {},
): Effect.Effect<
  RunningCanaryController,
  BusError,
  EventBus | ReleaseLog | ArtifactStore | TelemetryStore | Pager | Scope.Scope
> => Effect.annotateLogs(start(canaryControllerSettings(input)), { service: "canary-controller" });

const start = Effect.fn("canaryControllerService")(function* (settings: CanaryControllerSettings) {
  // Gateways' acknowledgements wake the loop, which is started after them.
  let wake: Effect.Effect<void> = Effect.void;
  const gateways = yield* knownGateways(Effect.suspend(() => wake));
  const loop = yield* controlLoop(settings, gateways);
  yield* telemetryIngest();
  yield* routingPublisher(settings.tickMs, loop.lastSeenMs);
  wake = yield* onChangeOrTick("canary control", loop.look, settings.tickMs);
  yield* pageSender(settings.tickMs);
  yield* Effect.provide(probeRunner(settings.tickMs), layerHttpGatewayClient(settings));
  return { service: "canary-controller" } satisfies RunningCanaryController;
});
