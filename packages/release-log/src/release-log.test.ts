import { assert, it } from "@effect/vitest";
import { layerMemory } from "@sluice/event-bus";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
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
