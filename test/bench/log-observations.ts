import { fork } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { telemetryIngest } from "@sluice/canary-controller/application/telemetry-ingest";
import { digestOf, type ObservationEvent, observationsTopic, type Topic, timestampOf } from "@sluice/contracts";
import { EventBus } from "@sluice/event-bus";
import { ObservationBuffer } from "@sluice/gateway/domain/observation-buffer";
import { freePort } from "@sluice/postgres/free-port";
import { layerClickHouse, TelemetryStore } from "@sluice/telemetry";
import * as Context from "effect/Context";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import * as Schema from "effect/Schema";
import type { MeasuredBus } from "./log-buses.ts";
import { quantile } from "./log-events.ts";

export interface ObservationsMeasured {
  readonly perSecond: number;
  readonly stored: number;
  /** Observations that were published and not stored yet, looked at every half second. */
  readonly lag: { readonly median: number; readonly highest: number; readonly atEnd: number };
  /** From the end of the offered load until everything is stored. */
  readonly drainSeconds: number;
  /** Resident memory of this process, which publishes and ingests, in MB: ten times over the load, evenly. */
  readonly memoryMb: ReadonlyArray<number>;
}

const APPLICATIONS = 20;
const FLUSH_MS = 250;
const MEMORY_SAMPLES = 10;
const MB = 1_024 * 1_024;

const unchecked: Topic<ObservationEvent> = {
  ...observationsTopic,
  schema: Schema.declare((_event): _event is ObservationEvent => true),
};

/**
 * From the gateway's own buffer through the bus and the controller's own ingest into ClickHouse's HTTP interface, which is a
 * process of its own, as is the broker: everything but the HTTP requests of users, at a steady offered rate.
 */
export const measureObservations = (measured: MeasuredBus, perSecond: number, seconds: number) =>
  Effect.gen(function* () {
    const store = yield* clickHouse;
    const bus = yield* measured.open;
    yield* Effect.provideService(Effect.provideService(telemetryIngest(), EventBus, bus), TelemetryStore, store);
    const publisher = yield* measured.open;
    const limits = { observations: 200_000, payloadLength: 1 };
    const buffer = new ObservationBuffer("gateway-bench", "boot", limits, Date.now());
    const applications = new Set(Array.from({ length: APPLICATIONS }, (_, i) => `application-${i}`));
    const lags: Array<number> = [];
    const countStored = Effect.map(store.query("SELECT count() AS n FROM observations"), ([row]) => Number(row?.n));
    let offered = 0;
    let published = 0;
    const memoryMb: Array<number> = [];
    const begin = performance.now();
    while (performance.now() - begin < seconds * 1_000) {
      const due = Math.floor(((performance.now() - begin) / 1_000) * perSecond);
      for (; offered < due; offered++) buffer.add(observation(offered));
      const events = buffer.cut(Date.now(), applications);
      for (let from = 0; from < events.length; from += 50)
        yield* publisher.publish(unchecked, events.slice(from, from + 50));
      buffer.published(events);
      published = offered;
      lags.push(published - (yield* countStored));
      const sampled = Math.floor((performance.now() - begin) / (seconds * (1_000 / MEMORY_SAMPLES)));
      if (memoryMb.length < sampled) memoryMb.push(process.memoryUsage.rss() / MB);
      yield* Effect.sleep(FLUSH_MS);
    }
    const took = (performance.now() - begin) / 1_000;
    const draining = performance.now();
    yield* Effect.repeat(Effect.delay(countStored, "50 millis"), { until: (stored) => stored >= published });
    const sorted = lags.toSorted((one, other) => one - other);
    return {
      perSecond: published / took,
      stored: yield* countStored,
      lag: { median: quantile(sorted, 0.5), highest: sorted.at(-1) ?? 0, atEnd: lags.at(-1) ?? 0 },
      drainSeconds: (performance.now() - draining) / 1_000,
      memoryMb,
    } satisfies ObservationsMeasured;
  });

const clickHouse = Effect.gen(function* () {
  const folder = yield* Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "sluice-bench-"))),
    (made) => Effect.sync(() => rmSync(made, { recursive: true, force: true })),
  );
  const port = yield* Effect.promise(freePort);
  const script = fileURLToPath(new URL("../support/clickhouse-process.ts", import.meta.url));
  yield* Effect.acquireRelease(
    Effect.promise(async () => {
      const child = fork(script, [folder, String(port)], { stdio: ["ignore", "pipe", "inherit", "ipc"] });
      await new Promise((resolve) => child.stdout?.once("data", resolve));
      return child;
    }),
    (child) => Effect.sync(() => child.kill("SIGKILL")),
  );
  const built = yield* Layer.build(layerClickHouse({ url: `http://127.0.0.1:${port}` }));
  return Context.get(built, TelemetryStore);
});

const bundle = digestOf("bench");

const observation = (n: number) => {
  const now = Date.now();
  return {
    observationId: `observation-${n}`,
    application: `application-${n % APPLICATIONS}`,
    releaseId: "rel-1",
    arm: n % 4 === 0 ? ("candidate" as const) : ("baseline" as const),
    role: "user" as const,
    assignedBundle: bundle,
    servedBundle: bundle,
    clusterKey: `conversation-${n >> 2}`,
    gatewayId: "gateway-bench",
    startedAt: timestampOf(now - 300),
    endedAt: timestampOf(now),
    streamed: false,
    status: 200,
    errorClass: null,
    latencyMs: 300 + (n % 100),
    timeToFirstTokenMs: null,
    inputTokens: 200,
    outputTokens: 100,
    finishReason: "stop",
    refused: false,
  };
};
