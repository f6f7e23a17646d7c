import { describe, it } from "@effect/vitest";
import * as Context from "effect/Context";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import { afterAll, assert } from "vitest";
import { EventBus } from "./event-bus.ts";
import { eventBusConformance } from "./event-bus-conformance.ts";
import { layerKafka } from "./kafka-event-bus.ts";
import { testBroker } from "./kafka-test-broker.ts";

const broker = await testBroker();

if ("skipped" in broker) describe.skip("the bus on Kafka", () => it(`is not tested: ${broker.skipped}`, () => {}));
else {
  afterAll(broker.stop);
  const layer = layerKafka({ brokers: broker.brokers });
  const open = Effect.map(Layer.build(Layer.fresh(layer)), (context) => Context.get(context, EventBus));
  // Transactions leave markers in the log, which take an offset each.
  eventBusConformance("the bus on Kafka", open, { gapFree: false, timeoutMs: 60_000 });
}

it.live(
  "a broker that is not there is told in one sentence",
  () =>
    Effect.gen(function* () {
      const nowhere = layerKafka({ brokers: ["127.0.0.1:1"] });
      const error = yield* Effect.flip(Effect.scoped(Layer.build(nowhere)));
      assert.match(error.message, /^no Kafka at 127\.0\.0\.1:1: .*ECONNREFUSED/);
    }),
  60_000,
);
