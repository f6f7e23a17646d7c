import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type TestBroker, testBroker } from "@sluice/event-bus/kafka-test-broker";
import { layerPostgres } from "@sluice/event-bus/postgres-event-bus";
import { Database, layerPg } from "@sluice/postgres";
import { freePort } from "@sluice/postgres/free-port";
import { type TestServer, testServer } from "@sluice/postgres/test-server";
import {
  type Behaviour,
  type ModelServer,
  startModelServer,
  startWebhookReceiver,
  type WebhookReceiver,
} from "@sluice/simulator";
import * as Context from "effect/Context";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import { registryAt } from "./registry.ts";
import { ServiceProcess } from "./service-process.ts";

export const serviceNames = ["registry", "gateway", "gate", "shadow-judge", "canary-controller"] as const;
export type ServiceName = (typeof serviceNames)[number];

const TOKEN = "a-token-of-the-promises";
const SEED = 4_400;

const usual: Behaviour = {
  wrongRate: { otherwise: 0 },
  proseRate: { otherwise: 0.02 },
  leakRate: 0,
  overRefusalRate: 0,
  errorRate: 0,
  latencyMedianMs: 5,
  latencySigma: 0.1,
  capacityPerSecond: null,
};

/**
 * The distributed mode on one machine: Kafka, PostgreSQL and ClickHouse's interface, and each service as a process of its own.
 * Every part of it can be ended and started again.
 */
export class DistributedStack {
  readonly broker: TestBroker;
  readonly postgres: TestServer;
  readonly clickhouse: ServiceProcess;
  readonly clickhouseUrl: string;
  readonly services: ReadonlyMap<ServiceName, ServiceProcess>;
  readonly registry: ReturnType<typeof registryAt>;
  readonly registryUrl: string;
  readonly token = TOKEN;
  readonly gatewayUrl: string;
  /** Behaviour by model; a promise may change it while it runs. */
  readonly models: Record<string, Behaviour>;
  readonly webhook: WebhookReceiver;
  readonly environment: Readonly<Record<string, string>>;
  readonly #modelServer: ModelServer;
  readonly #folder: string;
  readonly #ports: Parts["ports"];

  private constructor(parts: Parts) {
    const { folder, ports } = parts;
    this.broker = parts.broker;
    this.postgres = parts.postgres;
    this.webhook = parts.webhook;
    this.models = parts.models;
    this.#modelServer = parts.modelServer;
    this.#folder = folder;
    this.#ports = ports;
    this.registryUrl = `http://127.0.0.1:${ports.registry}`;
    this.gatewayUrl = `http://127.0.0.1:${ports.gateway}`;
    this.clickhouseUrl = `http://127.0.0.1:${ports.clickhouse}`;
    this.registry = registryAt(this.registryUrl, TOKEN);
    const script = fileURLToPath(new URL("./clickhouse-process.ts", import.meta.url));
    this.clickhouse = new ServiceProcess(
      "clickhouse",
      [script, join(folder, "clickhouse"), String(ports.clickhouse)],
      {},
    );
    this.environment = environmentOf(parts, this);
    this.services = new Map(
      serviceNames.map((name) => [
        name,
        ServiceProcess.serving(name, { ...this.environment, SLUICE_PORT: String(ports[name]) }),
      ]),
    );
  }

  /** The reason where Kafka or PostgreSQL cannot be had. */
  static async start(): Promise<DistributedStack | { readonly skipped: string }> {
    const [broker, postgres] = await Promise.all([testBroker(), testServer()]);
    if ("skipped" in broker || "skipped" in postgres) {
      if (!("skipped" in broker)) await broker.remove();
      if (!("skipped" in postgres)) await postgres.remove();
      return { skipped: "skipped" in broker ? broker.skipped : "skipped" in postgres ? postgres.skipped : "" };
    }
    const models: Record<string, Behaviour> = { "shop-1": usual, "shop-2": usual, "shop-3": usual };
    const stack = new DistributedStack({
      ...{ broker, postgres, models },
      folder: mkdtempSync(join(tmpdir(), "sluice-promises-")),
      webhook: await startWebhookReceiver(),
      modelServer: await startModelServer({ port: 0, seed: SEED, models }),
      ports: await freePorts(),
    });
    try {
      await stack.clickhouse.start();
      await stack.service("registry").start();
      await Promise.all([...stack.services.values()].map((service) => service.isRunning || service.start()));
      return stack;
    } catch (cause) {
      await stack.stop();
      throw cause;
    }
  }

  service(name: ServiceName): ServiceProcess {
    const service = this.services.get(name);
    if (!service) throw new Error(`there is no service ${name}`);
    return service;
  }

  /** Where a service answers for itself. */
  addressOf(name: ServiceName): string {
    return `http://127.0.0.1:${this.#ports[name]}`;
  }

  /** One more instance, not started. */
  another(name: ServiceName): ServiceProcess {
    return ServiceProcess.serving(name, { ...this.environment, SLUICE_PORT: "0" });
  }

  /** One more registry, without Kafka and on a database of its own: its bus is the topic log there. */
  async registryOnPostgres() {
    const name = `without_kafka_${process.pid}`;
    const database = new URL(this.postgres.url);
    await Effect.runPromise(
      Effect.scoped(
        Effect.flatMap(Layer.build(layerPg({ connectionString: database.href })), (context) =>
          Context.get(context, Database).script(`create database ${name}`),
        ),
      ),
    );
    database.pathname = `/${name}`;
    const { KAFKA_BROKERS: _, ...environment } = this.environment;
    const port = String(await freePort());
    const registry = ServiceProcess.serving("registry", {
      ...environment,
      DATABASE_URL: database.href,
      SLUICE_PORT: port,
    });
    await registry.start();
    return {
      url: `http://127.0.0.1:${port}`,
      bus: Layer.provide(layerPostgres(), layerPg({ connectionString: database.href })),
      end: () => registry.end("SIGTERM"),
    };
  }

  /** Exit codes of an orderly stop, by service. */
  async stop(): Promise<Readonly<Record<string, number | null>>> {
    const codes = await Promise.all(
      [...this.services].map(async ([name, service]) => [name, await service.end("SIGTERM")] as const),
    );
    await this.clickhouse.end("SIGKILL");
    await Promise.all([this.broker.remove(), this.postgres.remove(), this.webhook.close(), this.#modelServer.close()]);
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 5 });
    return Object.fromEntries(codes);
  }
}

const freePorts = async (): Promise<Parts["ports"]> => ({
  registry: await freePort(),
  gateway: await freePort(),
  gate: await freePort(),
  "shadow-judge": await freePort(),
  "canary-controller": await freePort(),
  clickhouse: await freePort(),
});

interface Parts {
  readonly broker: TestBroker;
  readonly postgres: TestServer;
  readonly webhook: WebhookReceiver;
  readonly models: Record<string, Behaviour>;
  readonly modelServer: ModelServer;
  readonly folder: string;
  readonly ports: Readonly<Record<ServiceName | "clickhouse", number>>;
}

const environmentOf = (
  { broker, postgres, webhook, modelServer, folder, ports }: Parts,
  urls: { readonly gatewayUrl: string; readonly clickhouseUrl: string },
): Readonly<Record<string, string>> => {
  const tokens = join(folder, "tokens.json");
  const tokenDigest = `sha256:${createHash("sha256").update(TOKEN).digest("hex")}`;
  writeFileSync(tokens, JSON.stringify([{ tokenDigest, id: "promises", role: "admin" }]));
  const gateway = join(folder, "gateway.json");
  const gatewaySettings = {
    port: ports.gateway,
    routingFile: join(folder, "routing.json"),
    providers: { simulated: { baseUrl: modelServer.baseUrl } },
    maxMirroredPerSecond: 500,
  };
  writeFileSync(gateway, JSON.stringify(gatewaySettings));
  return {
    KAFKA_BROKERS: broker.brokers.join(","),
    DATABASE_URL: postgres.url,
    CLICKHOUSE_URL: urls.clickhouseUrl,
    SLUICE_TOKENS_FILE: tokens,
    SLUICE_GATEWAY_SETTINGS: gateway,
    SLUICE_GATEWAY_URL: urls.gatewayUrl,
    SLUICE_PROBE_KEY: "a-probe-key-of-the-promises",
    SLUICE_PAGE_WEBHOOK_URL: webhook.url,
    // The rules judge within milliseconds, and the promises' steps last seconds.
    SLUICE_JUDGEMENT_LAG_MS: "1500",
  };
};
