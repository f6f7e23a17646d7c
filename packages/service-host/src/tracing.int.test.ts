import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { assert, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import { tracingTo } from "./tracing.ts";

it.live("what a service does is told to the collector by OTLP, under the service's name, before it ends", () =>
  Effect.gen(function* () {
    const received = new Map<string, string>();
    const collector = yield* Effect.acquireRelease(
      Effect.promise(async () => {
        const server = createServer((request, response) => {
          void text(request).then((body) => {
            received.set(request.url ?? "", body);
            response.writeHead(200, { "content-type": "application/json" }).end("{}");
          });
        });
        await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
        return server;
      }),
      (server) => Effect.sync(() => server.close()),
    );
    const address = `http://127.0.0.1:${(collector.address() as AddressInfo).port}`;
    yield* Effect.withSpan(Effect.logInfo("decided"), "decide").pipe(Effect.provide(tracingTo(address, "gate")));
    const traces = received.get("/v1/traces") ?? "";
    assert.include(traces, '"decide"');
    assert.include(traces, "sluice-gate");
    assert.include(received.get("/v1/logs") ?? "", "decided");
  }).pipe(Effect.scoped),
);
