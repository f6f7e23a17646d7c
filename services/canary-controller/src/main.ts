import * as NodeRuntime from "@effect/platform-node/NodeRuntime";
import { layerPostgres as artifactsOnPostgres } from "@sluice/artifact-store";
import { layerPostgres as busOnPostgres } from "@sluice/event-bus";
import { layerLog, layerWebhook } from "@sluice/pager";
import { layerPg } from "@sluice/postgres";
import { ReleaseLog } from "@sluice/release-log";
import { layerClickHouse } from "@sluice/telemetry";
import * as Cause from "effect/Cause";
import * as Config from "effect/Config";
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import * as Layer from "effect/Layer";
import * as Logger from "effect/Logger";
import * as Redacted from "effect/Redacted";
import { canaryControllerService } from "./canary-controller-service.ts";
import type { CanaryControllerSettingsInput } from "./settings.ts";

const environment = Config.all({
  postgresUrl: Config.Redacted("SLUICE_POSTGRES_URL"),
  clickHouseUrl: Config.String("SLUICE_CLICKHOUSE_URL"),
  clickHousePassword: Config.Redacted("SLUICE_CLICKHOUSE_PASSWORD").pipe(Config.withDefault(Redacted.make(""))),
  pageWebhookUrl: Config.String("SLUICE_PAGE_WEBHOOK_URL").pipe(Config.withDefault("")),
  gatewayUrl: Config.String("SLUICE_GATEWAY_URL").pipe(Config.withDefault("")),
  probeKey: Config.Redacted("SLUICE_PROBE_KEY").pipe(Config.withDefault(Redacted.make(""))),
});

/** Exit code of a usage or configuration error. */
const USAGE = 2;

/** The controller as a process of its own: PostgreSQL for the topic log and the artifacts, ClickHouse for telemetry. */
const main = Effect.gen(function* () {
  const { postgresUrl, clickHouseUrl, clickHousePassword, pageWebhookUrl, gatewayUrl, probeKey } = yield* environment;
  const database = layerPg({ connectionString: Redacted.value(postgresUrl) });
  const ports = ReleaseLog.layer.pipe(
    Layer.provideMerge(
      Layer.mergeAll(
        Layer.mergeAll(busOnPostgres(), artifactsOnPostgres).pipe(Layer.provide(database)),
        layerClickHouse({ url: clickHouseUrl, password: clickHousePassword }),
        pageWebhookUrl === "" ? layerLog : layerWebhook({ url: pageWebhookUrl }),
      ),
    ),
  );
  const settings: CanaryControllerSettingsInput = {
    gatewayUrl: gatewayUrl === "" ? null : gatewayUrl,
    probeKey: Redacted.value(probeKey) === "" ? null : Redacted.value(probeKey),
  };
  return yield* Layer.launch(Layer.effectDiscard(canaryControllerService(settings)).pipe(Layer.provide(ports)));
}).pipe(
  Effect.catchTag("ConfigError", (error) =>
    Effect.andThen(
      Effect.logError(`a setting is missing or wrong: ${error.message.replaceAll(/\s*\n\s*/g, " ")}`),
      Effect.sync(() => process.exit(USAGE)),
    ),
  ),
  Effect.provide(Logger.layer([Logger.consoleJson])),
);

NodeRuntime.runMain(main, {
  // A stop that was asked for is no failure.
  teardown: (exit, done) => done(Exit.isSuccess(exit) || Cause.hasInterruptsOnly(exit.cause) ? 0 : 1),
});
