import * as NodeRuntime from "@effect/platform-node/NodeRuntime";
import { layerKafka } from "@sluice/event-bus/kafka-event-bus";
import * as Cause from "effect/Cause";
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import * as Logger from "effect/Logger";
import { layerPatient } from "./adapters/patient-event-bus.ts";
import { SettingsError, settingsFromEnvironment } from "./environment.ts";
import { gatewayService } from "./gateway-service.ts";
import type { GatewaySettings } from "./settings.ts";

const serve = Effect.fnUntraced(function* (settings: GatewaySettings) {
  const { address, gatewayId } = yield* gatewayService(settings);
  yield* Effect.logInfo("the gateway serves").pipe(Effect.annotateLogs({ address, gatewayId }));
  return yield* Effect.never;
}, Effect.scoped);

const gateway = Effect.gen(function* () {
  const { settings, brokers } = yield* settingsFromEnvironment;
  // The bus outlives the service: the last observations go out when the service stops.
  const bus = layerPatient(layerKafka({ brokers, clientId: "sluice-gateway" }));
  return yield* serve(settings).pipe(Effect.provide(bus));
});

/** 2 is a mistake in settings; an orderly end is 0, also the one by SIGTERM, which is an interruption. */
const exitCodeOf = <A, E>(exit: Exit.Exit<A, E>): number => {
  if (Exit.isSuccess(exit) || Cause.hasInterruptsOnly(exit.cause)) return 0;
  return Cause.squash(exit.cause) instanceof SettingsError ? 2 : 1;
};

gateway.pipe(
  Effect.tapError((error) => Effect.logError(error.message)),
  Effect.provide(Logger.layer([Logger.consoleJson])),
  NodeRuntime.runMain({ disableErrorReporting: true, teardown: (exit, done) => done(exitCodeOf(exit)) }),
);
