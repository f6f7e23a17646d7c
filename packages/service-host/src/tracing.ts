import * as Config from "effect/Config";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import * as Option from "effect/Option";
import { SettingsError } from "./settings-error.ts";

/** OpenTelemetry's own variable: the address of a collector, such as `http://collector:4318`. */
export const collector = Effect.flatMap(Config.option(Config.String("OTEL_EXPORTER_OTLP_ENDPOINT")), (given) => {
  const address = Option.getOrElse(given, () => "");
  if (address === "") return Effect.succeed(null);
  return URL.canParse(address)
    ? Effect.succeed(address)
    : Effect.fail(
        new SettingsError({
          message: `OTEL_EXPORTER_OTLP_ENDPOINT is '${address}'; give an address such as http://collector:4318`,
        }),
      );
});

/** Sends traces, metrics and logs to the collector by OTLP; nothing where there is none. */
export const tracingTo = (address: string | null, service: string): Layer.Layer<never> =>
  address === null
    ? Layer.empty
    : Layer.unwrap(
        Effect.promise(async () => {
          // Loaded where it is used: the exporters are a quarter of a second of every start.
          const [{ Otlp }, FetchHttpClient] = await Promise.all([
            import("effect/observability"),
            import("effect/http/FetchHttpClient"),
          ]);
          const resource = { serviceName: `sluice-${service}` };
          return Layer.provide(Otlp.layerJson({ baseUrl: address, resource }), FetchHttpClient.layer);
        }),
      );
