import { assert, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import * as References from "effect/References";
import type { Channel } from "./channel.ts";
import { layerChannels } from "./channels-pager.ts";
import { type PageMessage, Pager } from "./pager.ts";

const page: PageMessage = {
  dedupKey: "sluice/support-bot/rel-1/breach",
  action: "trigger",
  severity: "critical",
  summary: "errors",
  application: "support-bot",
  releaseId: "rel-1",
  at: "2026-01-01T09:00:00.000Z",
};
const notice: PageMessage = { ...page, action: "notice", severity: "info", phase: "completed" };

const channel = (name: string, isUp: boolean, told: Array<string>, changes: Partial<Channel> = {}): Channel => ({
  name,
  takesPages: true,
  wantsNoticeOf: () => true,
  send: ({ action }) =>
    Effect.suspend(() => {
      told.push(`${action} ${name}`);
      return isUp ? Effect.void : Effect.fail({ reason: "down" });
    }),
  ...changes,
});

const withChannels = <A, E>(channels: ReadonlyArray<Channel>, use: (pager: Pager["Service"]) => Effect.Effect<A, E>) =>
  Effect.flatMap(Pager, use).pipe(
    Effect.provide(layerChannels(channels)),
    Effect.provideService(References.MinimumLogLevel, "None"),
  );

it.effect("a page escalates: the first channel that takes it is the last that is told, and says whom it skipped", () =>
  Effect.gen(function* () {
    const told: Array<string> = [];
    const channels = [
      channel("notices-only", true, told, { takesPages: false }),
      channel("a", false, told),
      channel("b", true, told),
      channel("c", true, told),
    ];
    const taken = yield* withChannels(channels, (pager) => pager.page(page, null));
    assert.deepStrictEqual(taken, { channel: "b", notTakenBy: ["a"] });
    assert.deepStrictEqual(told, ["trigger a", "trigger b"]);
  }),
);

it.effect("its end goes to the channel that took it alone, as long as that is configured", () =>
  Effect.gen(function* () {
    const told: Array<string> = [];
    const channels = [channel("a", true, told), channel("b", true, told), channel("c", false, told)];
    const over: PageMessage = { ...page, action: "resolve" };
    yield* withChannels(channels, (pager) => pager.page(over, "b"));
    assert.deepStrictEqual(told, ["resolve b"]);
    const failure = yield* Effect.flip(withChannels(channels, (pager) => pager.page(over, "c")));
    assert.strictEqual(failure.message, "c: down");
    assert.strictEqual((yield* withChannels(channels, (pager) => pager.page(over, "gone"))).channel, "a");
  }),
);

it.effect("a page that nobody takes is a failure that names everybody", () =>
  Effect.gen(function* () {
    const channels = [channel("a", false, []), channel("b", false, [])];
    const failure = yield* Effect.flip(withChannels(channels, (pager) => pager.page(page, null)));
    assert.strictEqual(failure.message, "a: down; b: down");
    const none = yield* Effect.flip(withChannels([], (pager) => pager.page(page, null)));
    assert.strictEqual(none.message, "no channel takes pages; configure one");
  }),
);

it.effect("a notice goes to every channel that wants it; those that took it are not told again", () =>
  Effect.gen(function* () {
    const told: Array<string> = [];
    const channels = [
      channel("a", true, told),
      channel("b", false, told),
      channel("rollbacks", true, told, { wantsNoticeOf: (phase) => phase === "rolled-back" }),
    ];
    const failure = yield* Effect.flip(withChannels(channels, (pager) => pager.notify(notice, [])));
    assert.deepStrictEqual([failure.message, failure.taken], ["b: down", ["a"]]);
    const recovered = [channel("a", true, told), channel("b", true, told)];
    assert.deepStrictEqual(yield* withChannels(recovered, (pager) => pager.notify(notice, failure.taken)), ["a", "b"]);
    assert.deepStrictEqual(told, ["notice a", "notice b", "notice b"]);
  }),
);
