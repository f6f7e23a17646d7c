import { assert, it } from "@effect/vitest";
import { ErasuresBody } from "@sluice/contracts";
import * as EventStore from "@sluice/event-store";
import * as Telemetry from "@sluice/telemetry";
import { newSigningKey } from "@sluice/transparency";
import * as Effect from "effect/Effect";
import * as Schedule from "effect/Schedule";
import * as Schema from "effect/Schema";
import { registryService } from "./registry-service.ts";
import { call, ports, tokens, withApplication } from "./testing/registry-in-memory.ts";

const start = registryService({ port: 0, tokens, maxRetryMs: 20 });
const erasures = "/v1/applications/support-bot/erasures";

/** Dies at the first call, as a fault of the program would have it. */
const faulty = <Args extends ReadonlyArray<unknown>, A, E>(use: (...args: Args) => Effect.Effect<A, E>) => {
  const calls = { count: 0 };
  const once = (...args: Args): Effect.Effect<A, E> =>
    Effect.suspend(() => {
      calls.count += 1;
      return calls.count === 1 ? Effect.die(new Error("a fault of the program")) : use(...args);
    });
  return { calls, once };
};

it.live("a defect of one sweep is no end of erasures", () =>
  Effect.gen(function* () {
    const telemetry = yield* Telemetry.TelemetryStore;
    const { calls, once } = faulty(telemetry.eraseTexts);
    const broken = Telemetry.TelemetryStore.of({ ...telemetry, eraseTexts: once });
    yield* Effect.gen(function* () {
      const { address } = yield* start;
      yield* Effect.promise(() => withApplication(address));
      const body = { clusterKeys: ["ada"], artifacts: [], reason: "r" };
      yield* Effect.promise(() => call(address, "POST", erasures, { body, headers: { "idempotency-key": "1" } }));
      const first = Effect.map(
        Effect.promise(() => call(address, "GET", erasures)),
        (answer) => Schema.decodeUnknownSync(ErasuresBody)(answer.body).erasures[0],
      );
      yield* Effect.repeat(first, { until: (one) => one?.erasedAt != null });
    }).pipe(Effect.scoped, Effect.provideService(Telemetry.TelemetryStore, broken));
    assert.isAbove(calls.count, 1);
  }).pipe(Effect.provide(ports)),
);

it.live("a defect while a checkpoint is signed is no end of signing", () =>
  Effect.gen(function* () {
    const store = yield* EventStore.EventStore;
    const { calls, once } = faulty(store.keepCheckpoint);
    yield* Effect.gen(function* () {
      const signing = { signingKey: newSigningKey("sluice/record"), checkpointSeconds: 1 };
      const { address } = yield* registryService({ port: 0, tokens, ...signing });
      // The first one is signed at the start.
      yield* Effect.repeat(
        Effect.sync(() => calls.count),
        { until: (count) => count === 1, schedule: Schedule.spaced("5 millis") },
      );
      yield* Effect.promise(() => withApplication(address));
      yield* Effect.repeat(store.checkpoints, {
        until: (kept) => kept.length > 0,
        schedule: Schedule.spaced("5 millis"),
      });
    }).pipe(
      Effect.scoped,
      Effect.provideService(EventStore.EventStore, EventStore.EventStore.of({ ...store, keepCheckpoint: once })),
    );
    assert.isAbove(calls.count, 1);
  }).pipe(Effect.provide(ports)),
);
