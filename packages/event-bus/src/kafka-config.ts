import * as Redacted from "effect/Redacted";
import { type KafkaConfig, logLevel, type SASLOptions } from "kafkajs";
import type { KafkaEventBusSettings, KafkaSasl, KafkaTls } from "./kafka-settings.ts";

/** The client's own form of the settings. */
export const kafkaConfigOf = ({ brokers, clientId = "sluice", tls, sasl }: KafkaEventBusSettings): KafkaConfig => ({
  brokers: [...brokers],
  clientId,
  // What matters comes back as an error; the client's own log would repeat it with addresses in it.
  logLevel: logLevel.NOTHING,
  retry: { retries: 8, initialRetryTime: 100, maxRetryTime: 2_000 },
  ...(tls && { ssl: tlsOf(tls) }),
  ...(sasl && { sasl: saslOf(sasl) }),
});

const tlsOf = ({ ca, cert, key }: KafkaTls) => ({
  ...(ca !== undefined && { ca }),
  ...(cert !== undefined && { cert }),
  ...(key !== undefined && { key: Redacted.value(key) }),
});

/** kafkajs tells its mechanisms apart by type, so each is named. */
const saslOf = (sasl: KafkaSasl): SASLOptions => {
  if (sasl.mechanism === "oauthbearer")
    return {
      mechanism: "oauthbearer",
      oauthBearerProvider: async () => ({ value: await sasl.token() }),
    };
  const credentials = { username: sasl.username, password: Redacted.value(sasl.password) };
  switch (sasl.mechanism) {
    case "plain":
      return { mechanism: "plain", ...credentials };
    case "scram-sha-256":
      return { mechanism: "scram-sha-256", ...credentials };
    case "scram-sha-512":
      return { mechanism: "scram-sha-512", ...credentials };
  }
};
