import { environmentLayers, launch } from "@sluice/service-host";
import * as Config from "effect/Config";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import * as Option from "effect/Option";
import * as Redacted from "effect/Redacted";
import { canaryControllerService } from "./canary-controller-service.ts";

const { releaseLog, artifacts, telemetry, pager } = environmentLayers("sluice-canary-controller");

const settings = Effect.map(
  Config.all({
    gatewayUrl: Config.option(Config.String("SLUICE_GATEWAY_URL")),
    probeKey: Config.option(Config.Redacted("SLUICE_PROBE_KEY")),
  }),
  ({ gatewayUrl, probeKey }) => ({
    gatewayUrl: Option.getOrNull(gatewayUrl),
    probeKey: Option.getOrNull(Option.map(probeKey, Redacted.value)),
  }),
);

launch(
  "canary-controller",
  Effect.gen(function* () {
    const ports = yield* Layer.build(Layer.mergeAll(releaseLog, artifacts, telemetry, pager));
    yield* Effect.provideContext(canaryControllerService(yield* settings), ports);
  }),
);
