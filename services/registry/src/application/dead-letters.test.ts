import { assert, it } from "@effect/vitest";
import { type ReleaseEvent, releasesTopic } from "@sluice/contracts";
import { EventBus, layerMemory } from "@sluice/event-bus";
import { event } from "@sluice/release/testing/samples";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import { listDeadLetters, replayDeadLetter } from "./dead-letters.ts";

const Unknown = Schema.TaggedStruct("OfAnotherVersion", { application: Schema.String });
const foreign = { ...releasesTopic, schema: Unknown, keyOf: () => "support-bot", idOf: () => "evt-foreign" };
/** A reader of a version that does not know pauses yet. */
const older = { ...releasesTopic, schema: Unknown, keyOf: () => "", idOf: () => "" };

it.effect("what cannot be read is listed with its reason and without its contents, and is not replayed", () =>
  Effect.gen(function* () {
    const bus = yield* EventBus;
    yield* bus.publish(foreign, [Unknown.make({ application: "a secret" })]);
    yield* Effect.scoped(bus.follow(releasesTopic, () => Effect.void));
    const [letter, ...more] = yield* listDeadLetters;
    assert.lengthOf(more, 0);
    assert.include(letter, { id: "sluice.releases.v1/0/0", eventId: "evt-foreign", readable: false });
    assert.notInclude(JSON.stringify(letter), "a secret");
    const refused = yield* Effect.flip(replayDeadLetter("sluice.releases.v1/0/0"));
    assert.match(refused.message, /^dead letter sluice.releases.v1\/0\/0 still cannot be read: /);
    const unknown = yield* Effect.flip(replayDeadLetter("sluice.releases.v1/0/9"));
    assert.match(unknown.message, /^there is no dead letter/);
  }).pipe(Effect.provide(layerMemory)),
);

it.effect("what this version can read is replayed to the end of its topic, under its own id", () =>
  Effect.gen(function* () {
    const bus = yield* EventBus;
    const paused = event("ReleasePaused");
    yield* bus.publish(releasesTopic, [paused]);
    yield* Effect.scoped(bus.follow(older, () => Effect.void));
    const [letter] = yield* listDeadLetters;
    assert.include(letter, { eventId: paused.eventId, readable: true });
    yield* replayDeadLetter("sluice.releases.v1/0/0");
    const seen: Array<ReleaseEvent> = [];
    yield* Effect.scoped(
      bus.follow(releasesTopic, (batch) =>
        Effect.sync(() => void seen.push(...batch.map((received) => received.event))),
      ),
    );
    assert.deepStrictEqual(seen, [paused, paused]);
  }).pipe(Effect.provide(layerMemory)),
);
