import { environmentLayers, launch } from "@sluice/service-host";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import { gateService } from "./gate-service.ts";

const { releaseLog, artifacts } = environmentLayers("sluice-gate");

launch(
  "gate",
  Effect.flatMap(Layer.build(Layer.mergeAll(releaseLog, artifacts)), (ports) =>
    Effect.provideContext(gateService(), ports),
  ),
);
