import { readFile } from "node:fs/promises";
import type { KafkaEventBusSettings, KafkaSasl, KafkaTls } from "@sluice/event-bus/kafka-settings";
import * as Config from "effect/Config";
import * as Effect from "effect/Effect";
import * as Option from "effect/Option";
import * as Redacted from "effect/Redacted";
import { oauthToken } from "./oauth-token.ts";
import { readSettings } from "./read-settings.ts";
import { SettingsError } from "./settings-error.ts";

/** `host:port`, separated by commas. */
const brokers = Effect.flatMap(Config.String("KAFKA_BROKERS"), (text) => {
  const named = text
    .split(",")
    .map((broker) => broker.trim())
    .filter((broker) => broker !== "");
  const wrong = named.find((broker) => !/^.+:\d{1,5}$/.test(broker));
  if (named.length === 0) return fault("KAFKA_BROKERS is empty; give host:port, separated by commas");
  return wrong === undefined
    ? Effect.succeed(named)
    : fault(`KAFKA_BROKERS: '${wrong}' is no address; give host:port, separated by commas`);
});

const fault = (message: string) => Effect.fail(new SettingsError({ message }));

const PROTOCOLS = ["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] as const;
const MECHANISMS = ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"] as const;

const oneOf = <const Names extends ReadonlyArray<string>>(variable: string, names: Names) =>
  Effect.flatMap(Config.option(Config.String(variable)), (given) => {
    const found = names.find((name) => name === Option.getOrUndefined(given)?.toUpperCase());
    if (Option.isNone(given) || given.value === "") return Effect.succeed(undefined as Names[number] | undefined);
    return found === undefined
      ? fault(`${variable} is '${given.value}'; give ${names.join(", ")}`)
      : Effect.succeed(found as Names[number]);
  });

/** The text of the file that a variable names; undefined where it is not set. */
const fileOf = (variable: string) =>
  Effect.flatMap(Config.option(Config.String(variable)), (path) =>
    Option.isNone(path) || path.value === ""
      ? Effect.succeed(undefined)
      : Effect.tryPromise({
          try: () => readFile(path.value, "utf8"),
          catch: (cause) =>
            new SettingsError({
              message: `${variable}=${path.value} cannot be read: ${cause instanceof Error ? cause.message : cause}`,
            }),
        }),
  );

const tls = Effect.gen(function* () {
  const { ca, cert, key } = yield* readSettings({
    ca: fileOf("KAFKA_SSL_CA_FILE"),
    cert: fileOf("KAFKA_SSL_CERT_FILE"),
    key: fileOf("KAFKA_SSL_KEY_FILE"),
  });
  if ((cert === undefined) !== (key === undefined))
    return yield* fault("KAFKA_SSL_CERT_FILE and KAFKA_SSL_KEY_FILE belong together; give both or neither");
  return {
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key: Redacted.make(key) }),
  } satisfies KafkaTls;
});

const sasl = Effect.gen(function* () {
  const mechanism = yield* oneOf("KAFKA_SASL_MECHANISM", MECHANISMS);
  if (mechanism === undefined)
    return yield* fault(
      `KAFKA_SASL_MECHANISM is not set, and KAFKA_SECURITY_PROTOCOL asks for one; give ${MECHANISMS.join(", ")}`,
    );
  if (mechanism === "OAUTHBEARER") return { mechanism: "oauthbearer", token: yield* oauthToken } satisfies KafkaSasl;
  const { username, password } = yield* readSettings({
    username: Config.String("KAFKA_SASL_USERNAME"),
    password: Config.Redacted("KAFKA_SASL_PASSWORD"),
  });
  return { mechanism: lowerCase[mechanism], username, password } satisfies KafkaSasl;
});
const lowerCase = { PLAIN: "plain", "SCRAM-SHA-256": "scram-sha-256", "SCRAM-SHA-512": "scram-sha-512" } as const;

const replicationFactor = Config.Int("KAFKA_REPLICATION_FACTOR").pipe(Config.withDefault(1));

/** How Kafka is reached, by the names that Kafka's own clients use. */
export const kafkaSettings: Effect.Effect<KafkaEventBusSettings, SettingsError> = Effect.gen(function* () {
  const { protocol } = yield* readSettings({ protocol: oneOf("KAFKA_SECURITY_PROTOCOL", PROTOCOLS) });
  const wanted = protocol ?? "PLAINTEXT";
  const settings = yield* readSettings({
    brokers,
    replicationFactor,
    tls: wanted.endsWith("SSL") ? tls : Effect.succeed(undefined),
    sasl: wanted.startsWith("SASL") ? sasl : Effect.succeed(undefined),
  });
  return {
    brokers: settings.brokers,
    replicationFactor: settings.replicationFactor,
    ...(settings.tls && { tls: settings.tls }),
    ...(settings.sasl && { sasl: settings.sasl }),
  };
});
