import { createServer, type Server } from "node:http";
import { monitorEventLoopDelay } from "node:perf_hooks";
import * as Config from "effect/Config";
import * as Effect from "effect/Effect";
import * as Metric from "effect/Metric";
import { PrometheusMetrics } from "effect/observability";
import type * as Scope from "effect/Scope";
import { readSettings } from "./read-settings.ts";
import { SettingsError } from "./settings-error.ts";

/** What a service must be able to reach to do its work; each fails with the reason. */
export type Checks = Readonly<Record<string, Effect.Effect<unknown, { readonly message: string }>>>;

export interface OperationsAddress {
  readonly host: string;
  readonly port: number;
}

/** Where a service without a surface of its own answers for itself: `SLUICE_HOST` and `SLUICE_PORT`. */
export const operationsAddress = (defaultPort: number): Effect.Effect<OperationsAddress, SettingsError> =>
  readSettings({
    host: Config.String("SLUICE_HOST").pipe(Config.withDefault("127.0.0.1")),
    port: portOf("SLUICE_PORT", defaultPort),
  });

/** 0 takes a free one, which nobody is told of: for a second instance on one machine. */
const portOf = (variable: string, fallback: number) =>
  Effect.flatMap(Config.Int(variable).pipe(Config.withDefault(fallback)), (port) =>
    port >= 0 && port <= 65_535
      ? Effect.succeed(port)
      : Effect.fail(new SettingsError({ message: `${variable} is ${port}; give 0 to 65535` })),
  );

/** A server that does not answer within this is not reached. */
const CHECK_WITHIN = "3 seconds";

const ready = Metric.gauge("sluice_ready", { description: "1 when a service can reach what it needs, by what" });

/** Asks every check; what fails, with its reason. */
const failing = (checks: Checks): Effect.Effect<ReadonlyArray<string>> =>
  Effect.map(
    Effect.forEach(
      Object.entries(checks),
      ([name, check]) =>
        check.pipe(
          Effect.timeoutOrElse({
            duration: CHECK_WITHIN,
            orElse: () => Effect.fail({ message: `no answer within ${CHECK_WITHIN}` }),
          }),
          Effect.match({ onSuccess: () => null, onFailure: ({ message }) => `${name}: ${message}` }),
          Effect.tap((reason) => Metric.update(Metric.withAttributes(ready, { check: name }), reason === null ? 1 : 0)),
        ),
      { concurrency: "unbounded" },
    ),
    (reasons) => reasons.filter((reason) => reason !== null),
  );

/**
 * Answers for a service that has no HTTP surface of its own: `/healthz` as long as the process gets to it, `/readyz` when it
 * has started and everything that it needs can be reached, `/metrics` for Prometheus. Opened first and closed last, so that
 * a start that takes its time and a stop that drains are told as what they are. Answers with what says that it has started.
 */
export const serveOperations = Effect.fn("serveOperations")(function* ({ host, port }: OperationsAddress) {
  const run = Effect.runPromiseWith(yield* Effect.context<never>());
  let checks: Checks = { start: Effect.fail({ message: "it is starting" }) };
  const server = createServer((request, response) => {
    void run(answer(request.url ?? "/", checks)).then(([status, body]) =>
      response.writeHead(status, { "content-type": "text/plain; charset=utf-8" }).end(body),
    );
  });
  yield* Effect.acquireRelease(listening(server, host, port), () =>
    Effect.promise(async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }),
  );
  // Also when nobody asks whether it is ready: an alert watches the gauge.
  const watch = Effect.suspend(() => failing(checks));
  yield* Effect.forkScoped(Effect.forever(Effect.andThen(watch, Effect.sleep("10 seconds"))));
  return (reached: Checks) =>
    Effect.acquireRelease(
      Effect.sync(() => {
        checks = reached;
      }),
      () =>
        Effect.sync(() => {
          checks = { stop: Effect.fail({ message: "it is stopping" }) };
        }),
    );
});

const answer = (path: string, checks: Checks): Effect.Effect<readonly [number, string]> => {
  if (path === "/healthz") return Effect.succeed([200, "ok\n"]);
  if (path === "/metrics") return Effect.map(PrometheusMetrics.format(), (text) => [200, text]);
  if (path !== "/readyz") return Effect.succeed([404, "there is /healthz, /readyz and /metrics\n"]);
  return Effect.map(failing(checks), (reasons) =>
    reasons.length === 0 ? [200, "ready\n"] : [503, `${reasons.join("\n")}\n`],
  );
};

const listening = (server: Server, host: string, port: number) =>
  Effect.callback<void, SettingsError>((resume) => {
    server.once("error", (error) =>
      resume(
        Effect.fail(
          new SettingsError({
            message: `SLUICE_HOST and SLUICE_PORT: cannot listen on ${host}:${port} (${error.message}); choose another port`,
          }),
        ),
      ),
    );
    server.listen(port, host, () => resume(Effect.void));
  });

const memory = Metric.gauge("sluice_process_resident_bytes", { description: "Memory of the process" });
const loopDelay = Metric.gauge("sluice_event_loop_delay_seconds", {
  description: "99th percentile since the last scrape of how late timers run",
});

const delays = monitorEventLoopDelay({ resolution: 20 });

/** Every service tells these of its process, whatever serves its metrics. */
export const processMetrics: Effect.Effect<void, never, Scope.Scope> = Effect.gen(function* () {
  yield* Effect.acquireRelease(
    Effect.sync(() => delays.enable()),
    () => Effect.sync(() => delays.disable()),
  );
  const tell = Effect.gen(function* () {
    yield* Metric.update(memory, process.memoryUsage.rss());
    yield* Metric.update(loopDelay, delays.percentile(99) / 1e9);
    delays.reset();
  });
  yield* Effect.forkScoped(Effect.forever(Effect.andThen(tell, Effect.sleep("10 seconds"))));
});
