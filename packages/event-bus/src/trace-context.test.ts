import { assert, it } from "@effect/vitest";
import type { Topic } from "@sluice/contracts";
import * as Effect from "effect/Effect";
import * as Option from "effect/Option";
import * as Schema from "effect/Schema";
import type * as Tracer from "effect/Tracer";
import { EventBus } from "./event-bus.ts";
import { layerMemory } from "./memory-event-bus.ts";
import { handledIn, traced } from "./trace-context.ts";

const Ticked = Schema.TaggedStruct("Ticked", { n: Schema.Int });
const topic: Topic<typeof Ticked.Type> = {
  name: "ticks",
  schema: Ticked,
  retention: "forever",
  partitions: 1,
  keyOf: () => "k",
  idOf: ({ n }) => String(n),
};
const publish = (n: number) => Effect.flatMap(EventBus, (bus) => bus.publish(topic, [Ticked.make({ n })]));

it.effect("who handles an event is a child of who published it, over the bus", () =>
  Effect.gen(function* () {
    const bus = yield* EventBus;
    const sender = yield* Effect.withSpan(
      Effect.tap(Effect.currentSpan, () => publish(1)),
      "decide",
    );
    const handlers: Array<Tracer.Span> = [];
    yield* bus.follow(topic, () => Effect.map(Effect.currentSpan, (span) => void handlers.push(span)));
    const [handler] = handlers;
    assert.strictEqual(handler?.name, "handle ticks");
    assert.strictEqual(handler?.traceId, sender.traceId);
    // The publication is a span of its own, within the one that decided.
    assert.isTrue(handler !== undefined && Option.isSome(handler.parent));
  }).pipe(Effect.scoped, Effect.provide(layerMemory)),
);

it.effect("a batch of several senders is linked to each of them, and is nobody's child", () =>
  Effect.gen(function* () {
    const bus = yield* EventBus;
    for (const n of [1, 2]) yield* Effect.withSpan(publish(n), `sender ${n}`);
    const handlers: Array<Tracer.Span> = [];
    yield* bus.follow(topic, () => Effect.map(Effect.currentSpan, (span) => void handlers.push(span)));
    assert.lengthOf(handlers[0]?.links ?? [], 2);
    assert.isTrue(Option.isNone(handlers[0]?.parent ?? Option.none()));
  }).pipe(Effect.scoped, Effect.provide(layerMemory)),
);

it.effect("without a span nothing is added, and a malformed header is no sender", () =>
  Effect.gen(function* () {
    const record = { key: "k", headers: { ce_id: "1" }, value: "{}" };
    assert.deepStrictEqual(yield* traced([record]), [record]);
    const malformed = { ...record, headers: { ce_traceparent: "00-xyz" } };
    const span = yield* Effect.orDie(handledIn("ticks", [malformed])(Effect.currentSpan));
    assert.isTrue(Option.isNone(span.parent));
  }),
);
