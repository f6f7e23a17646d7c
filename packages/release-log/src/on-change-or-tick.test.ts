import { assert, it } from "@effect/vitest";
import { layerMemory } from "@sluice/event-bus";
import * as Deferred from "effect/Deferred";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import { onChangeOrTick } from "./on-change-or-tick.ts";
import { ReleaseLog } from "./release-log.ts";

const digest = `sha256:${"a".repeat(64)}`;
const register = {
  _tag: "RegisterApplication",
  application: "support-bot",
  at: "2026-01-01T00:00:00.000Z",
  baseline: { digest, artifacts: { prompt: digest, model: digest } },
  author: { id: "ada", role: "admin" },
} as const;

// Time stands still in these tests: no tick can help out.
const alone = Effect.provide(ReleaseLog.layer.pipe(Layer.provideMerge(layerMemory)));

it.effect("a change that comes at once is looked at, without a tick", () =>
  Effect.gen(function* () {
    const log = yield* ReleaseLog;
    const seen = yield* Deferred.make<void>();
    const look = Effect.suspend(() =>
      log.applications().has("support-bot") ? Deferred.succeed(seen, undefined) : Effect.void,
    );
    yield* onChangeOrTick("test", Effect.asVoid(look), 1_000);
    yield* log.submit(register);
    yield* Deferred.await(seen);
  }).pipe(alone),
);

it.effect("a change during a look makes one more, and so does a wake-up", () =>
  Effect.gen(function* () {
    const log = yield* ReleaseLog;
    const looks: Array<boolean> = [];
    const isLooking = yield* Deferred.make<void>();
    const goOn = yield* Deferred.make<void>();
    const second = yield* Deferred.make<void>();
    const third = yield* Deferred.make<void>();
    const look = Effect.gen(function* () {
      looks.push(log.applications().has("support-bot"));
      if (looks.length === 1) {
        yield* Deferred.succeed(isLooking, undefined);
        yield* Deferred.await(goOn);
      }
      yield* Deferred.succeed(looks.length === 3 ? third : looks.length === 2 ? second : isLooking, undefined);
    });
    const wake = yield* onChangeOrTick("test", look, 1_000);
    yield* Deferred.await(isLooking);
    yield* log.submit(register);
    yield* Deferred.succeed(goOn, undefined);
    yield* Deferred.await(second);
    yield* wake;
    yield* Deferred.await(third);
    assert.deepStrictEqual(looks, [false, true, true]);
  }).pipe(alone),
);
