import { assert, it } from "@effect/vitest";
import { type ReleaseEvent, releasesTopic } from "@sluice/contracts";
import { EventBus, layerPostgres } from "@sluice/event-bus";
import * as EventStore from "@sluice/event-store";
import { layerPGlite } from "@sluice/postgres";
import { initialState } from "@sluice/release";
import * as Telemetry from "@sluice/telemetry";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import { registrySettings } from "../settings.ts";
import { startRecorder } from "./recorder.ts";

const digest = `sha256:${"a".repeat(64)}`;
const application = "support-bot";
const at = "2026-01-01T00:00:00.000Z";
const author = { id: "ada", role: "admin" } as const;

const ports = Layer.mergeAll(layerPostgres(), EventStore.layerPostgres, Telemetry.layerMemory).pipe(
  Layer.provide(layerPGlite({ directory: null })),
);

it.live("one event with text that no column takes stops neither the record nor what comes after it", () =>
  Effect.gen(function* () {
    const bus = yield* EventBus;
    const store = yield* EventStore.EventStore;
    const recorder = yield* startRecorder(registrySettings({}));
    const page = { application, at, releaseId: "rel-1", channel: "log" };
    const events: ReadonlyArray<ReleaseEvent> = [
      { _tag: "PageSent", eventId: "evt-poisoned", ...page, dedupKey: "key \u0000 with a NUL" },
      {
        _tag: "ApplicationRegistered",
        eventId: "evt-registered",
        application,
        at,
        baseline: { digest, artifacts: { prompt: digest, model: digest } },
        author,
      },
    ];
    yield* bus.publish(releasesTopic, events);
    yield* recorder.reached(new Map([[application, { ...initialState(application), version: 1 }]]));
    const rows = yield* store.read({ limit: 10 });
    assert.deepStrictEqual(
      rows.map((row) => [row.type, row.refusal?.sentence ?? null]),
      [
        ["PageSent", "page key \uFFFD with a NUL is not waiting to be settled"],
        ["ApplicationRegistered", null],
      ],
    );
    assert.deepStrictEqual(JSON.parse(rows[0]?.payload ?? ""), events[0]);
    assert.deepStrictEqual((yield* EventStore.verifyRecord()).faults, []);
  }).pipe(Effect.scoped, Effect.provide(ports), Effect.timeout("30 seconds")),
);
