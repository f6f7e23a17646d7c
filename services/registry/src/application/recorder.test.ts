import { assert, it } from "@effect/vitest";
import { type ReleaseEvent, type ReleaseState, releaseStateTopic, releasesTopic } from "@sluice/contracts";
import { BusError, EventBus, layerMemory } from "@sluice/event-bus";
import * as EventStore from "@sluice/event-store";
import { initialState } from "@sluice/release";
import * as Telemetry from "@sluice/telemetry";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import * as PubSub from "effect/PubSub";
import * as Schema from "effect/Schema";
import { registrySettings } from "../settings.ts";
import { startRecorder } from "./recorder.ts";

const digest = `sha256:${"a".repeat(64)}`;
const registered = (application: string): ReleaseEvent => ({
  _tag: "ApplicationRegistered",
  eventId: `evt-${application}`,
  application,
  at: "2026-01-01T00:00:00.000Z",
  baseline: { digest, artifacts: { prompt: digest, model: digest } },
  author: { id: "ada", role: "admin" },
});

const ports = Layer.mergeAll(layerMemory, EventStore.layerMemory, Telemetry.layerMemory);
const settings = registrySettings({});

/** The bus, with publications of states that fail as often as `failures` says. */
const flaky = (bus: EventBus["Service"], failures: { left: number }): EventBus["Service"] => ({
  ...bus,
  publish: (topic, events) => {
    if (topic.name !== releaseStateTopic.name || failures.left === 0) return bus.publish(topic, events);
    failures.left -= 1;
    return Effect.fail(new BusError({ operation: "publish", message: "the bus is away" }));
  },
});

/** The states that the topic ends with. */
const told = Effect.scoped(
  Effect.gen(function* () {
    const states = new Map<string, ReleaseState>();
    const bus = yield* EventBus;
    yield* bus.follow(releaseStateTopic, (batch) =>
      Effect.sync(() => {
        for (const { event } of batch) states.set(event.application, event);
      }),
    );
    return [...states.keys()].sort();
  }),
);

it.live("a state whose publication failed is told when the batch comes again, though its rows are there already", () =>
  Effect.gen(function* () {
    const bus = yield* EventBus;
    const failures = { left: 0 };
    const recorder = yield* Effect.provideService(startRecorder(settings), EventBus, flaky(bus, failures));
    const hints = yield* PubSub.subscribe(recorder.appended);
    failures.left = 2;
    yield* bus.publish(releasesTopic, [registered("support-bot")]);
    yield* recorder.reached(new Map([["support-bot", { ...initialState("support-bot"), version: 1 }]]));
    assert.strictEqual(failures.left, 0);
    assert.deepStrictEqual(yield* told, ["support-bot"]);
    assert.lengthOf(yield* PubSub.takeAll(hints), 1, "streams hear of it once");
  }).pipe(Effect.scoped, Effect.provide(ports)),
);

it.live("a stop between an append and its publication loses no state", () =>
  Effect.gen(function* () {
    const bus = yield* EventBus;
    const store = yield* EventStore.EventStore;
    yield* bus.publish(releasesTopic, [registered("support-bot"), registered("search")]);
    const records = ["support-bot", "search"].map((application, offset) => ({
      partition: 0,
      offset,
      event: registered(application),
      refusal: null,
    }));
    yield* store.append(records, "2026-01-01T00:00:00.000Z");
    assert.deepStrictEqual(yield* told, []);
    yield* startRecorder(settings);
    assert.deepStrictEqual(yield* told, ["search", "support-bot"]);
    assert.strictEqual(yield* store.end, 2);
  }).pipe(Effect.scoped, Effect.provide(ports)),
);

it.live("the record is behind from the moment it was seen behind until it has what was wanted then", () =>
  Effect.gen(function* () {
    const bus = yield* EventBus;
    const recorder = yield* startRecorder(settings);
    const ahead = (version: number) => new Map([["support-bot", { ...initialState("support-bot"), version }]]);
    assert.strictEqual(recorder.behindMs(new Map(), 1_000), 0);
    assert.strictEqual(recorder.behindMs(ahead(1), 2_000), 0);
    assert.strictEqual(recorder.behindMs(ahead(1), 9_000), 7_000);
    yield* bus.publish(releasesTopic, [registered("support-bot")]);
    yield* recorder.reached(ahead(1));
    // The log has gone on meanwhile: that is a new lag, and not the old one.
    assert.strictEqual(recorder.behindMs(ahead(2), 10_000), 0);
    assert.strictEqual(recorder.behindMs(ahead(3), 11_000), 1_000);
    assert.strictEqual(recorder.behindMs(ahead(1), 12_000), 2_000);
  }).pipe(Effect.scoped, Effect.provide(ports)),
);

it.live("what could not be decoded is on record where it stood, refused, and nothing waits for it", () =>
  Effect.gen(function* () {
    const bus = yield* EventBus;
    const store = yield* EventStore.EventStore;
    yield* startRecorder(settings);
    // The same topic as another version would write it.
    const unknown = { ...releasesTopic, schema: Schema.Any, keyOf: () => "support-bot", idOf: () => "evt-of-tomorrow" };
    yield* bus.publish(releasesTopic, [registered("support-bot")]);
    yield* bus.publish(unknown as never, [{ _tag: "ReleaseTeleported", application: "support-bot" } as never]);
    yield* bus.publish(releasesTopic, [registered("order-desk")]);
    while ((yield* store.end) < 3) yield* Effect.sleep("2 millis");
    // It comes by another topic, so it may be recorded before or after what stood beside it.
    const rows = (yield* store.read({ application: "support-bot", limit: 10 })).toSorted((a, b) => a.offset - b.offset);
    assert.deepStrictEqual(
      rows.map(({ type, partition, offset, eventId, refusal }) => [type, partition, offset, eventId, refusal?.code]),
      [
        ["ApplicationRegistered", 0, 0, "evt-support-bot", undefined],
        ["RecordDeadLettered", -1, 1, "evt-of-tomorrow", "undecodable"],
      ],
    );
    assert.include(rows[1]?.payload, "ReleaseTeleported");
    assert.lengthOf((yield* EventStore.verifyRecord()).faults, 0);
  }).pipe(Effect.scoped, Effect.provide(ports), Effect.timeout("20 seconds")),
);
