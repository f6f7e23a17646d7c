import { layerKafka } from "@sluice/event-bus/kafka-event-bus";
import { kafkaSettings, launch } from "@sluice/service-host";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import { boundHeap } from "./adapters/heap-bounds.ts";
import { layerPatient } from "./adapters/patient-event-bus.ts";
import { settingsFromEnvironment } from "./environment.ts";
import { gatewayService } from "./gateway-service.ts";

boundHeap();
launch("gateway", { settings: settingsFromEnvironment, kafka: kafkaSettings }, ({ settings, kafka }) =>
  Effect.gen(function* () {
    // The bus outlives the service: the last observations go out when the service stops.
    const bus = yield* Layer.build(layerPatient(layerKafka({ ...kafka, clientId: "sluice-gateway" })));
    const { address, gatewayId } = yield* Effect.provideContext(gatewayService(settings), bus);
    yield* Effect.logInfo("listening").pipe(Effect.annotateLogs({ address, gatewayId }));
  }),
);
