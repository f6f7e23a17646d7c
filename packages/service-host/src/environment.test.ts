import { assert, it } from "@effect/vitest";
import * as ConfigProvider from "effect/ConfigProvider";
import * as Effect from "effect/Effect";
import * as Redacted from "effect/Redacted";
import { environment } from "./environment-layers.ts";
import { kafkaSettings } from "./kafka-environment.ts";
import { keptToken } from "./oauth-token.ts";
import { operationsAddress } from "./operations.ts";
import { readSettings } from "./read-settings.ts";

const under = (variables: Readonly<Record<string, string>>) =>
  Effect.provide(ConfigProvider.layer(ConfigProvider.fromUnknown(variables)));

it.effect("all faults of the environment are told at once", () =>
  Effect.gen(function* () {
    const needs = { bus: environment.bus, database: environment.database, operations: operationsAddress(1) };
    const wrong = { KAFKA_BROKERS: "kafka", KAFKA_SECURITY_PROTOCOL: "SASL_SSL", KAFKA_SASL_MECHANISM: "PLAIN" };
    const error = yield* Effect.flip(under({ ...wrong, SLUICE_PORT: "70000" })(readSettings(needs)));
    for (const named of [
      "'kafka' is no address",
      "KAFKA_SASL_USERNAME",
      "KAFKA_SASL_PASSWORD",
      "DATABASE_URL",
      "70000",
    ])
      assert.include(error.message, named);
    assert.notInclude(error.message, "\n");
  }),
);

it.effect("Kafka is reached as its own clients' variables say", () =>
  Effect.gen(function* () {
    const plain = yield* under({ KAFKA_BROKERS: "a:1, b:2" })(kafkaSettings);
    assert.deepStrictEqual(plain, { brokers: ["a:1", "b:2"], replicationFactor: 1 });
    const scram = yield* under({
      KAFKA_BROKERS: "a:1",
      KAFKA_SECURITY_PROTOCOL: "SASL_SSL",
      KAFKA_SASL_MECHANISM: "SCRAM-SHA-512",
      KAFKA_SASL_USERNAME: "ada",
      KAFKA_SASL_PASSWORD: "secret",
      KAFKA_REPLICATION_FACTOR: "3",
    })(kafkaSettings);
    assert.strictEqual(scram.replicationFactor, 3);
    assert.deepStrictEqual(scram.tls, {});
    assert.isTrue(scram.sasl?.mechanism === "scram-sha-512" && Redacted.value(scram.sasl.password) === "secret");
    assert.notInclude(JSON.stringify(scram), "secret");
    const noToken = {
      KAFKA_BROKERS: "a:1",
      KAFKA_SECURITY_PROTOCOL: "SASL_PLAINTEXT",
      KAFKA_SASL_MECHANISM: "OAUTHBEARER",
    };
    assert.match((yield* Effect.flip(under(noToken)(kafkaSettings))).message, /needs KAFKA_SASL_OAUTH_TOKEN_FILE, or/);
    const unknown = { KAFKA_BROKERS: "a:1", KAFKA_SECURITY_PROTOCOL: "TLS" };
    assert.include((yield* Effect.flip(under(unknown)(kafkaSettings))).message, "give PLAINTEXT, SSL");
  }),
);

it("a bearer token is kept for most of its life, and asked for again after it", async () => {
  const { createServer } = await import("node:http");
  let asked = 0;
  const issuer = createServer((request, response) => {
    asked += 1;
    const basic = Buffer.from(request.headers.authorization?.slice("Basic ".length) ?? "", "base64").toString();
    assert.strictEqual(basic, "client:s%20ecret");
    response.end(JSON.stringify({ access_token: `token-${asked}`, expires_in: 100 }));
  });
  await new Promise<void>((resolve) => issuer.listen(0, "127.0.0.1", resolve));
  const address = issuer.address();
  const url = `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}/`;
  let nowMs = 0;
  const credentials = { url, clientId: "client", clientSecret: Redacted.make("s ecret"), scope: undefined };
  const token = keptToken(credentials, () => nowMs);
  assert.strictEqual(await token(), "token-1");
  nowMs = 79_000;
  assert.strictEqual(await token(), "token-1");
  nowMs = 81_000;
  assert.strictEqual(await token(), "token-2");
  issuer.close();
});
