import { assert, it } from "@effect/vitest";
import { releasesTopic } from "@sluice/contracts";
import { BusError, EventBus, layerMemory } from "@sluice/event-bus";
import * as Deferred from "effect/Deferred";
import * as Effect from "effect/Effect";
import * as Fiber from "effect/Fiber";
import * as Layer from "effect/Layer";
import { TestClock } from "effect/testing";
import { ReleaseLog } from "./release-log.ts";

const digest = (character: string) => `sha256:${character.repeat(64)}`;
const bundle = (character: string) => ({
  digest: digest(character),
  artifacts: { prompt: digest(character), model: digest(character) },
});
const register = {
  _tag: "RegisterApplication",
  application: "support-bot",
  at: "2026-01-01T00:00:00.000Z",
  baseline: bundle("a"),
  author: { id: "ada", role: "admin" },
} as const;

const testLayer = ReleaseLog.layer.pipe(Layer.provideMerge(layerMemory));

it.effect("a submitted command is true once it is back from the log", () =>
  Effect.gen(function* () {
    const log = yield* ReleaseLog;
    const events = yield* log.submit(register);
    assert.deepStrictEqual(
      events.map((event) => event._tag),
      ["ApplicationRegistered"],
    );
    assert.strictEqual(log.applications().get("support-bot")?.baseline?.digest, digest("a"));
  }).pipe(Effect.provide(testLayer)),
);

it.effect("a repeated command succeeds without events, a contradicting one is refused", () =>
  Effect.gen(function* () {
    const log = yield* ReleaseLog;
    yield* log.submit(register);
    assert.deepStrictEqual(yield* log.submit(register), []);
    const refused = yield* Effect.flip(
      log.submit({
        _tag: "AbortRelease",
        application: "support-bot",
        releaseId: "rel-1",
        at: register.at,
        author: register.author,
        reason: "wrong one",
        commandId: "c1",
      }),
    );
    assert.strictEqual(refused._tag === "Refusal" ? refused.code : refused._tag, "unknown-release");
  }).pipe(Effect.provide(testLayer)),
);

it.effect("two services that fold the same log agree, also when one starts later", () =>
  Effect.gen(function* () {
    const first = yield* ReleaseLog;
    yield* first.submit(register);
    const later = yield* Effect.provide(ReleaseLog, Layer.fresh(ReleaseLog.layer));
    assert.deepStrictEqual([...later.applications()], [...first.applications()]);
  }).pipe(Effect.provide(testLayer)),
);

/** A log on a bus whose publications go through `publish`. */
const withPublish = (publish: (real: Effect.Effect<void, BusError>) => Effect.Effect<void, BusError>) =>
  ReleaseLog.layer.pipe(
    Layer.provide(
      Layer.effect(
        EventBus,
        Effect.map(EventBus, (bus) =>
          EventBus.of({ ...bus, publish: (topic, events) => publish(bus.publish(topic, events)) }),
        ),
      ),
    ),
    Layer.provide(layerMemory),
  );

it.effect("of two that submit the same, the one whose publication fails takes nothing from the other", () =>
  Effect.gen(function* () {
    const away = yield* Deferred.make<never, BusError>();
    const failed = yield* Deferred.make<void>();
    let publications = 0;
    const publish = (real: Effect.Effect<void, BusError>) => {
      publications += 1;
      return publications === 1 ? Deferred.await(away) : Effect.andThen(Deferred.await(failed), real);
    };
    yield* Effect.gen(function* () {
      const log = yield* ReleaseLog;
      const first = yield* Effect.forkChild(Effect.flip(log.submit(register)), { startImmediately: true });
      const second = yield* Effect.forkChild(log.submit(register), { startImmediately: true });
      assert.strictEqual(publications, 2);
      yield* Deferred.fail(away, new BusError({ operation: "publish", message: "the bus is away" }));
      assert.strictEqual((yield* Fiber.join(first))._tag, "BusError");
      yield* Deferred.succeed(failed, undefined);
      assert.lengthOf(yield* Fiber.join(second), 1);
    }).pipe(Effect.provide(withPublish(publish)));
  }),
);

it.effect("an event that never comes back is a failure of the bus, not a wait for ever", () =>
  Effect.gen(function* () {
    const log = yield* ReleaseLog;
    const submitted = yield* Effect.forkChild(Effect.flip(log.submit(register)), { startImmediately: true });
    yield* TestClock.adjust("31 seconds");
    const error = yield* Fiber.join(submitted);
    assert.strictEqual(error._tag, "BusError");
    assert.include(error._tag === "BusError" ? error.message : "", releasesTopic.name);
  }).pipe(Effect.provide(withPublish(() => Effect.void))),
);
