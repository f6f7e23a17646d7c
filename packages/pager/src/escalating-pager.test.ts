import { assert, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import * as References from "effect/References";
import { layerEscalating } from "./escalating-pager.ts";
import { type PageMessage, Pager, PagerError } from "./pager.ts";

const page: PageMessage = {
  dedupKey: "sluice/support-bot/rel-1/breach",
  action: "trigger",
  severity: "critical",
  summary: "errors",
  application: "support-bot",
  releaseId: "rel-1",
  at: "2026-01-01T09:00:00.000Z",
};

const channel = (name: string, isUp: boolean, told: Array<string>) =>
  Layer.succeed(Pager, {
    send: () =>
      Effect.suspend(() => {
        told.push(name);
        return isUp ? Effect.succeed(name) : Effect.fail(new PagerError({ channel: name, message: "down" }));
      }),
  });

const send = (channels: ReadonlyArray<Layer.Layer<Pager>>) =>
  Effect.flatMap(Pager, (pager) => pager.send(page)).pipe(
    Effect.provide(layerEscalating(channels)),
    Effect.provideService(References.MinimumLogLevel, "None"),
  );

it.effect("the first channel that takes a page is the last that is told", () =>
  Effect.gen(function* () {
    const told: Array<string> = [];
    const channels = [channel("a", false, told), channel("b", true, told), channel("c", true, told)];
    assert.strictEqual(yield* send(channels), "b");
    assert.deepStrictEqual(told, ["a", "b"]);
  }),
);

it.effect("a page that nobody takes is a failure that names everybody", () =>
  Effect.gen(function* () {
    const failure = yield* Effect.flip(send([channel("a", false, []), channel("b", false, [])]));
    assert.strictEqual(failure.message, "a: down; b: down");
    assert.strictEqual((yield* Effect.flip(send([]))).message, "no channel is configured");
  }),
);
