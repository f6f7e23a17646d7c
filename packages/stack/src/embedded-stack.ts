import { randomBytes } from "node:crypto";
import { join } from "node:path";
import * as ArtifactStore from "@sluice/artifact-store";
import { type CanaryControllerSettingsInput, canaryControllerService } from "@sluice/canary-controller";
import * as EventBus from "@sluice/event-bus";
import * as EventStore from "@sluice/event-store";
import { gateService } from "@sluice/gate";
import { type GatewaySettingsInput, gatewayService, gatewaySettings } from "@sluice/gateway";
import { Judge, type JudgeSettings } from "@sluice/judge";
import { layerPostgres as judgeMemoryOnPostgres } from "@sluice/judge/postgres-judge-memory";
import * as Pager from "@sluice/pager";
import { layerPGlite } from "@sluice/postgres";
import { type RegistrySettingsInput, registryService } from "@sluice/registry";
import { ReleaseLog } from "@sluice/release-log";
import { type ShadowJudgeSettingsInput, shadowJudgeService } from "@sluice/shadow-judge";
import * as Telemetry from "@sluice/telemetry";
import * as TokenStore from "@sluice/token-store";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import { signingKeyFile } from "./signing-key-file.ts";

export interface EmbeddedStackSettings {
  /** One process at a time; it is created when it is not there. */
  readonly directory: string;
  readonly registry: RegistrySettingsInput;
  readonly gateway: Omit<GatewaySettingsInput, "routingFile" | "probeKey">;
  /** Gateways beside the first one, each on a free port: what a fleet of them does can be seen in one process. */
  readonly furtherGateways?: number;
  readonly controller: Omit<CanaryControllerSettingsInput, "gatewayUrl" | "probeKey">;
  readonly shadowJudge: ShadowJudgeSettingsInput;
  readonly judge: JudgeSettings;
  /** Where pages and notices go, in order of escalation; empty writes them to the log. */
  readonly channels: ReadonlyArray<Pager.Channel>;
}

export interface EmbeddedStack {
  readonly registryAddress: string;
  readonly gatewayAddress: string;
  readonly furtherGatewayAddresses: ReadonlyArray<string>;
  /** For the first admin, who is to see it now; null where somebody is one already. */
  readonly firstAdminToken: Effect.Effect<string | null, { readonly message: string }>;
  /** The public key that the record is signed with. */
  readonly verifierKey: string;
}

/**
 * All five services in this process: PGlite for PostgreSQL, chDB for ClickHouse, a durable topic log for Kafka. Returns
 * once all of them serve; they stop, in reverse order, with the scope.
 */
export const embeddedStack = Effect.fn("embeddedStack")(function* (settings: EmbeddedStackSettings) {
  const context = yield* Layer.build(embeddedPorts(settings));
  return yield* Effect.provideContext(startServices(settings), context);
});

const embeddedPorts = ({ directory, judge, channels }: EmbeddedStackSettings) => {
  const onDatabase = Layer.mergeAll(
    EventBus.layerPostgres(),
    ArtifactStore.layerPostgres,
    EventStore.layerPostgres,
    TokenStore.layerPostgres,
    Layer.provide(Judge.layerRemembering(judge), judgeMemoryOnPostgres()),
  );
  const stores = onDatabase.pipe(Layer.provide(layerPGlite({ directory: join(directory, "postgres") })));
  return ReleaseLog.layer.pipe(
    Layer.provideMerge(
      Layer.mergeAll(
        stores,
        Telemetry.layerClickHouse({ path: join(directory, "clickhouse") }),
        Pager.layerChannels(channels.length > 0 ? channels : [Pager.logChannel()]),
      ),
    ),
  );
};

const startServices = Effect.fnUntraced(function* (settings: EmbeddedStackSettings) {
  // The registry first: whatever the others decide is on record from the start.
  const { text: signingKey, verifierKey } = yield* signingKeyFile(join(settings.directory, "signing-key"));
  const checkpointDirectory = join(settings.directory, "record");
  const registry = yield* registryService({ signingKey, checkpointDirectory, ...settings.registry });
  yield* gateService();
  yield* shadowJudgeService(settings.shadowJudge);
  // Shared by the two in this process and known to nobody else.
  const probeKey = randomBytes(24).toString("base64url");
  const gateway = yield* gatewayService(
    gatewaySettings({ ...settings.gateway, probeKey, routingFile: join(settings.directory, "routing.json") }),
  );
  const further = yield* Effect.forEach(Array.from({ length: settings.furtherGateways ?? 0 }), (_, i) =>
    gatewayService(
      gatewaySettings({
        ...settings.gateway,
        gatewayId: `gateway-${i + 2}`,
        port: 0,
        probeKey,
        routingFile: join(settings.directory, `routing-${i + 2}.json`),
      }),
    ),
  );
  yield* canaryControllerService({ ...settings.controller, gatewayUrl: gateway.address, probeKey });
  return {
    registryAddress: registry.address,
    gatewayAddress: gateway.address,
    furtherGatewayAddresses: further.map(({ address }) => address),
    firstAdminToken: registry.firstAdminToken,
    verifierKey,
  } satisfies EmbeddedStack;
});
