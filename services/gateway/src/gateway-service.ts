import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import { epochMsOf, type Routing } from "@sluice/contracts";
import type { EventBus } from "@sluice/event-bus";
import { looksLikeRefusal } from "@sluice/judge/refusal";
import * as Effect from "effect/Effect";
import * as Fiber from "effect/Fiber";
import * as Queue from "effect/Queue";
import * as Schema from "effect/Schema";
import type * as Scope from "effect/Scope";
import { openHttpServer } from "./adapters/http-server.ts";
import { keyCheck } from "./adapters/key-check.ts";
import { RoutingFileWriter, readRoutingFile } from "./adapters/routing-file.ts";
import { ShadowThread } from "./adapters/shadow-thread.ts";
import { missingKeys, type OpenUpstreams, openUpstreams } from "./adapters/upstreams.ts";
import { Gateway } from "./application/gateway.ts";
import { counter, gauge, Metrics } from "./application/metrics.ts";
import { makeFlush, makeReport, type PublishingParts, reportForEver } from "./application/publishing.ts";
import { ReportIntake } from "./application/report-intake.ts";
import { reportReader } from "./application/report-reader.ts";
import { followRoutings } from "./application/routing-feed.ts";
import { clusterSourcesReader } from "./domain/cluster-sources.ts";
import { ObservationBuffer } from "./domain/observation-buffer.ts";
import { RoutingTable } from "./domain/routing-table.ts";
import { type GatewaySettings, redactionOf } from "./settings.ts";

/** One sentence for whoever started it. */
export class GatewayStartError extends Schema.TaggedError<GatewayStartError>()("GatewayStartError", {
  message: Schema.String,
}) {}

export interface RunningGateway {
  readonly address: string;
  readonly gatewayId: string;
}

/**
 * Serves until the scope closes: then it takes no more requests, lets those under way finish, sends what it has
 * observed and says that it leaves.
 */
export const gatewayService: (
  settings: GatewaySettings,
) => Effect.Effect<RunningGateway, GatewayStartError, EventBus | Scope.Scope> = Effect.fn("gatewayService")(function* (
  settings: GatewaySettings,
) {
  const [missingKey] = missingKeys(settings.providers, process.env);
  if (missingKey !== undefined) {
    return yield* new GatewayStartError({
      message: `The environment variable ${missingKey}, named by a provider's apiKeyEnv, is not set: set it, or take apiKeyEnv out.`,
    });
  }
  const upstreams = yield* Effect.acquireRelease(
    Effect.sync(() => openUpstreams(settings.providers, process.env, ["baseline", "candidate"])),
    (open) => Effect.promise(() => open.close()),
  );
  const gatewayId = settings.gatewayId ?? `gateway-${hostname()}-${settings.port || randomBytes(4).toString("hex")}`;
  const run = Effect.runForkWith(yield* Effect.context<never>());
  const fullBatch = yield* Queue.sliding<void>(1);
  const parts = assemble(settings, gatewayId, upstreams, {
    warn: (message) => run(Effect.logWarning(message)),
    onFullBatch: () => Queue.offerUnsafe(fullBatch, undefined),
  });
  yield* Effect.addFinalizer(() => Effect.promise(() => parts.shadow.close()));
  const changed = yield* Queue.sliding<void>(1);
  const report = yield* makeReport(parts);
  yield* Effect.addFinalizer(() => report(false));
  yield* feedTable(settings, parts, changed);
  yield* runFlushing(settings, parts, fullBatch);
  // Signs of life go on while the last requests are let finish.
  yield* Effect.forkScoped(reportForEver(report, changed, settings.reportIntervalMs));
  const address = yield* serve(settings, parts, upstreams);
  return { address, gatewayId };
});

interface Parts extends PublishingParts {
  readonly upstreams: OpenUpstreams;
  readonly intake: ReportIntake;
  readonly shadow: ShadowThread;
  readonly warn: (message: string) => void;
}

const assemble = (
  settings: GatewaySettings,
  gatewayId: string,
  upstreams: OpenUpstreams,
  { warn, onFullBatch }: Pick<Parts, "warn"> & { readonly onFullBatch: () => void },
): Parts => {
  const bootId = randomBytes(6).toString("hex");
  const redaction = redactionOf(settings);
  const table = new RoutingTable();
  const metrics = new Metrics();
  const observations = new ObservationBuffer(
    gatewayId,
    bootId,
    { observations: settings.maxBufferedObservations, payloadLength: settings.maxBufferedPayloadLength },
    Date.now(),
    onFullBatch,
  );
  const shadow = new ShadowThread({
    gatewayId,
    settings,
    routings: () => table.all().map(({ routing }) => routing),
    onPair: (pair) => observations.addPair(pair),
    warn,
  });
  const gateway = new Gateway(
    {
      gatewayId,
      bootId,
      clusterSources: clusterSourcesReader(settings),
      clusterKeySecret: settings.clusterKeySecret,
      maxAnswerBytes: settings.maxAnswerBytes,
      redaction,
      looksLikeRefusal,
      isProbeKey: probeKeyCheck(settings),
    },
    { table, upstreams, observations, shadow, metrics },
  );
  const intake = new ReportIntake({ gatewayId, redaction, looksLikeRefusal, table, observations, metrics, gateway });
  return { gatewayId, table, observations, metrics, gateway, shadow, upstreams, intake, warn };
};

/** First the disk, then the bus; the bus has a moment to answer, then the start goes on with what there is. */
const feedTable = Effect.fnUntraced(function* (settings: GatewaySettings, parts: Parts, changed: Queue.Queue<void>) {
  const { table, gateway, metrics, shadow, warn } = parts;
  const { routingFile } = settings;
  const writer = routingFile === null ? null : new RoutingFileWriter(routingFile, () => table.all(), warn);
  if (routingFile !== null) {
    const stored = yield* readRoutingFile(routingFile).pipe(
      Effect.catch((error) => Effect.as(Effect.logWarning(error.message), [])),
    );
    for (const known of stored) table.restore(known);
    yield* Effect.addFinalizer(() => Effect.promise(() => writer?.settled() ?? Promise.resolve()));
  }
  const following = followRoutings(table, {
    onChanged: (routing) => {
      writer?.changed();
      shadow.routed(routing);
      Queue.offerUnsafe(changed, undefined);
      warnOfUnknownProviders(routing, parts);
    },
    onHeard: () => writer?.heard(Date.now()),
    onStale: () => {
      metrics.staleRoutings += 1;
    },
  }).pipe(Effect.tap(() => Effect.sync(() => gateway.markReady())));
  const fiber = yield* Effect.forkScoped(following);
  yield* Fiber.join(fiber).pipe(Effect.timeoutOption(settings.startTimeoutMs));
});

const warnOfUnknownProviders = (routing: Routing, { upstreams, warn }: Parts): void => {
  for (const routed of [routing.baseline, routing.candidate]) {
    if (routed && !upstreams.get(routed.bundle.model.provider)) {
      warn(
        `Bundle ${routed.digest} of ${routing.application} names the provider '${routed.bundle.model.provider}', which the settings do not have: its requests will fail.`,
      );
    }
  }
};

/** In the background; the last flush comes when everything that could still be observed has ended. */
const runFlushing = Effect.fnUntraced(function* (
  { flushIntervalMs }: GatewaySettings,
  parts: Parts,
  fullBatch: Queue.Queue<void>,
) {
  const flush = yield* makeFlush(parts);
  yield* Effect.addFinalizer(() => flush(true));
  // Full batches of one application must not make the others send empty ones all the time, nor keep them from it.
  let nextWholeMs = 0;
  const flushWhatIsDue = Effect.suspend(() => {
    const isWhole = performance.now() >= nextWholeMs;
    if (isWhole) nextWholeMs = performance.now() + flushIntervalMs;
    return flush(isWhole);
  });
  const untilDue = Effect.suspend(() =>
    Queue.take(fullBatch).pipe(Effect.timeoutOption(Math.max(0, nextWholeMs - performance.now()))),
  );
  yield* Effect.forkScoped(Effect.forever(Effect.andThen(flushWhatIsDue, untilDue)));
});

const probeKeyCheck = ({ probeKey }: GatewaySettings) => keyCheck(probeKey === null ? [] : [probeKey]);

const serve = (settings: GatewaySettings, parts: Parts, upstreams: OpenUpstreams) =>
  Effect.acquireRelease(
    Effect.tryPromise({
      try: () =>
        openHttpServer({
          host: settings.host,
          port: settings.port,
          maxRequestBytes: settings.maxRequestBytes,
          clientStallTimeoutMs: settings.clientStallTimeoutMs,
          isClientKey: settings.clientKeys.length === 0 ? null : keyCheck(settings.clientKeys),
          isProbeKey: probeKeyCheck(settings),
          isReporterKey: keyCheck(settings.reporterKeys),
          onReport: reportReader(parts.intake),
          onCompletion: (request, client) => parts.gateway.handle(request, client),
          models: () =>
            parts.table.all().map(({ routing }) => ({ id: routing.application, createdAtMs: epochMsOf(routing.at) })),
          isReady: () => parts.gateway.isReady,
          metrics: () => metricsText(parts, upstreams),
        }),
      catch: (error) =>
        new GatewayStartError({
          message: `The gateway cannot listen on ${settings.host}:${settings.port} (${String(error)}): choose another port.`,
        }),
    }),
    (server) => Effect.promise(() => server.close(settings.drainTimeoutMs)),
  ).pipe(Effect.map(({ address }) => address));

const metricsText = ({ metrics, observations, shadow, gateway }: Parts, upstreams: OpenUpstreams): string =>
  metrics.format([
    gauge("sluice_gateway_requests_under_way", gateway.underWay),
    gauge("sluice_gateway_observations_waiting", observations.size),
    counter("sluice_gateway_dropped_total", observations.dropped.observations, { what: "observation" }),
    counter("sluice_gateway_dropped_total", observations.dropped.payloads, { what: "payload" }),
    counter("sluice_gateway_dropped_total", observations.dropped.pairs, { what: "pair" }),
    gauge("sluice_gateway_mirror_pending", shadow.pending),
    ...[...shadow.droppedByReason].map(([reason, count]) =>
      counter("sluice_gateway_mirror_dropped_total", count, { reason }),
    ),
    ...[...upstreams.load(), ...shadow.load].flatMap(({ provider, purpose, running, waiting }) => [
      gauge("sluice_gateway_upstream_running", running, { provider, purpose }),
      gauge("sluice_gateway_upstream_waiting", waiting, { provider, purpose }),
    ]),
  ]);
