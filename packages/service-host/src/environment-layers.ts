import * as ArtifactStore from "@sluice/artifact-store";
import type { EventBus } from "@sluice/event-bus";
import { layerPostgres as busOnPostgres } from "@sluice/event-bus/postgres-event-bus";
import * as EventStore from "@sluice/event-store";
import { layerPostgres as judgeMemoryOnPostgres } from "@sluice/judge/postgres-judge-memory";
import * as Pager from "@sluice/pager";
import { layerPg } from "@sluice/postgres";
import { ReleaseLog } from "@sluice/release-log";
import { layerClickHouse } from "@sluice/telemetry";
import * as TokenStore from "@sluice/token-store";
import * as Config from "effect/Config";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import * as Option from "effect/Option";
import * as Redacted from "effect/Redacted";
import * as Result from "effect/Result";
import { kafkaSettings } from "./kafka-environment.ts";
import { SettingsError } from "./settings-error.ts";

// Which server stands behind which port, by the environment: the same names for every service.

const isSet = (variable: string) => Effect.map(Config.option(Config.String(variable)), Option.isSome);

const s3Settings = Config.all({
  url: Config.String("SLUICE_ARTIFACTS_S3_URL"),
  region: Config.String("AWS_REGION").pipe(Config.withDefault("us-east-1")),
  accessKeyId: Config.String("AWS_ACCESS_KEY_ID"),
  secretAccessKey: Config.Redacted("AWS_SECRET_ACCESS_KEY"),
  sessionToken: Config.option(Config.Redacted("AWS_SESSION_TOKEN")),
});

/**
 * What a service reads, by port; each fails with a sentence. A service names what it needs when it is launched, so that all
 * faults of its environment are told at once.
 */
export const environment = {
  database: Config.Redacted("DATABASE_URL"),
  /** The role that owns the tables, where DATABASE_URL names one that may not change the audit record. */
  owner: Config.option(Config.Redacted("DATABASE_OWNER_URL")),
  /** Null: artifacts are in PostgreSQL. */
  s3: Effect.flatMap(isSet("SLUICE_ARTIFACTS_S3_URL"), (given) => (given ? s3Settings : Effect.succeed(null))),
  /** Null: the topic log on PostgreSQL. */
  bus: Effect.flatMap(isSet("KAFKA_BROKERS"), (given) => (given ? kafkaSettings : Effect.succeed(null))),
  telemetry: Config.all({
    url: Config.String("CLICKHOUSE_URL"),
    username: Config.option(Config.String("CLICKHOUSE_USER")),
    password: Config.option(Config.Redacted("CLICKHOUSE_PASSWORD")),
    database: Config.option(Config.String("CLICKHOUSE_DATABASE")),
    cluster: Config.option(Config.NonEmptyString("CLICKHOUSE_CLUSTER")),
  }),
  /** SLUICE_PAGES_FILE, else the one webhook of SLUICE_PAGE_WEBHOOK_URL, else the log. */
  pager: Effect.gen(function* () {
    const { file, url } = yield* Config.all({
      file: Config.option(Config.String("SLUICE_PAGES_FILE")),
      url: Config.option(Config.String("SLUICE_PAGE_WEBHOOK_URL")),
    });
    const read = Option.isSome(file)
      ? Pager.readChannels(file.value, process.env)
      : Option.isSome(url)
        ? Pager.webhookChannels(url.value, process.env)
        : Result.succeed([Pager.logChannel()]);
    if (Result.isFailure(read)) return yield* new SettingsError({ message: read.failure });
    return read.success;
  }),
};

const database = Layer.unwrap(
  Effect.map(Config.all({ url: environment.database, owner: environment.owner }), ({ url, owner }) =>
    layerPg({
      connectionString: Redacted.value(url),
      ...(Option.isSome(owner) && { ownerConnectionString: Redacted.value(owner.value) }),
    }),
  ),
);

/** S3 where it is named, else PostgreSQL. */
const artifacts = Layer.unwrap(
  Effect.map(environment.s3, (given) => {
    if (!given) return ArtifactStore.layerPostgres;
    const { secretAccessKey, sessionToken, ...s3 } = given;
    const onS3: Layer.Layer<ArtifactStore.ArtifactStore, { readonly message: string }> = ArtifactStore.layerS3({
      ...s3,
      secretAccessKey: Redacted.value(secretAccessKey),
      ...(Option.isSome(sessionToken) && { sessionToken: Redacted.value(sessionToken.value) }),
    });
    return onS3;
  }),
);

const bus = (clientId: string) =>
  Layer.unwrap(
    Effect.gen(function* () {
      const kafka = yield* environment.bus;
      if (!kafka) return Layer.provide(busOnPostgres(), database);
      // Only a service on Kafka loads its client.
      const { layerKafka } = yield* Effect.promise(() => import("@sluice/event-bus/kafka-event-bus"));
      const onKafka: Layer.Layer<EventBus, { readonly message: string }> = layerKafka({ ...kafka, clientId });
      return onKafka;
    }),
  );

const telemetry = Layer.unwrap(
  Effect.map(environment.telemetry, ({ url, username, password, database: name, cluster }) =>
    layerClickHouse({
      url,
      ...(Option.isSome(username) && { username: username.value }),
      ...(Option.isSome(password) && { password: password.value }),
      ...(Option.isSome(name) && { database: name.value }),
      ...(Option.isSome(cluster) && { cluster: cluster.value }),
    }),
  ),
);

const pager = Layer.unwrap(Effect.map(environment.pager, Pager.layerChannels));

/** The ports of the control plane's services: each takes what it needs, and only that is opened. */
export const environmentLayers = (clientId: string) => {
  const events = bus(clientId);
  const releaseLog = Layer.provideMerge(ReleaseLog.layer, events);
  const onDatabase = <Service, E, R>(layer: Layer.Layer<Service, E, R>) => Layer.provideMerge(layer, database);
  return {
    releaseLog,
    artifacts: onDatabase(artifacts),
    eventStore: onDatabase(EventStore.layerPostgres),
    tokens: onDatabase(TokenStore.layerPostgres),
    judgeMemory: onDatabase(judgeMemoryOnPostgres()),
    telemetry,
    pager,
  };
};
