import { assert, it } from "@effect/vitest";
import { timestampOf } from "@sluice/contracts";
import { layerMemory } from "@sluice/event-bus";
import { ReleaseLog } from "@sluice/release-log";
import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import * as Stream from "effect/Stream";
import { gateSettings } from "../settings.ts";
import { blockedRelease } from "../testing/blocked-release.ts";
import { expireOverrides } from "./expire-overrides.ts";

it.live("a release whose override is over ends as blocked, one whose override lasts goes on", () =>
  Effect.gen(function* () {
    const log = yield* ReleaseLog;
    const now = yield* Clock.currentTimeMillis;
    const ended = log.changes.pipe(
      Stream.filter(({ event }) => event._tag === "OverrideExpired"),
      Stream.runHead,
    );
    for (const [application, lasts] of [
      ["support-bot", 50],
      ["search", 3_600_000],
    ] as const)
      yield* blockedRelease(application, {
        at: timestampOf(now),
        expiresAt: timestampOf(now + lasts),
      });
    yield* expireOverrides(gateSettings({ tickMs: 5 }));
    yield* ended;
    const states = log.applications();
    assert.strictEqual(states.get("support-bot")?.active, null);
    assert.strictEqual(states.get("support-bot")?.last?.phase, "blocked");
    assert.strictEqual(states.get("search")?.active?.phase, "gate-passed");
  }).pipe(
    Effect.scoped,
    Effect.timeout("20 seconds"),
    Effect.provide(ReleaseLog.layer.pipe(Layer.provideMerge(layerMemory))),
  ),
);
