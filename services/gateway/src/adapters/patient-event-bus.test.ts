import { assert, it } from "@effect/vitest";
import { type GatewayReport, gatewaysTopic } from "@sluice/contracts";
import { EventBus, layerMemory } from "@sluice/event-bus";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import { TestClock } from "effect/testing";
import { layerPatient } from "./patient-event-bus.ts";

const report: GatewayReport = {
  _tag: "GatewayReported",
  gatewayId: "g",
  at: "2026-01-01T00:00:00.000Z",
  live: true,
  routing: {},
  candidateLastServedAt: {},
  dropped: { observations: 0, payloads: 0, mirrored: 0 },
};

/** Opens at the third try. */
const lateBus = () => {
  let tries = 0;
  return Layer.unwrap(
    Effect.suspend(() => {
      tries += 1;
      return tries < 3 ? Effect.fail(new Error("nobody there")) : Effect.succeed(layerMemory);
    }),
  );
};

it.effect("fails until the bus could be opened, and works from then on", () =>
  Effect.gen(function* () {
    const bus = yield* EventBus;
    const early = yield* Effect.flip(bus.publish(gatewaysTopic, [report]));
    assert.strictEqual(early._tag, "BusError");
    yield* TestClock.adjust("5 seconds");
    yield* bus.publish(gatewaysTopic, [report]);
    const seen: Array<string> = [];
    yield* bus.follow(gatewaysTopic, (batch) =>
      Effect.sync(() => seen.push(...batch.map(({ event }) => event.gatewayId))),
    );
    assert.deepStrictEqual(seen, ["g"]);
  }).pipe(Effect.provide(layerPatient(lateBus()))),
);
