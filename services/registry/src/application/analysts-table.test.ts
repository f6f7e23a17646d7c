import { assert, it } from "@effect/vitest";
import type { ReleaseEvent } from "@sluice/contracts";
import * as EventStore from "@sluice/event-store";
import * as Telemetry from "@sluice/telemetry";
import * as Deferred from "effect/Deferred";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import * as Logger from "effect/Logger";
import { registrySettings } from "../settings.ts";
import { startAnalystsTable } from "./analysts-table.ts";

const at = "2026-01-01T00:00:00.000Z";
const page = (n: number): ReleaseEvent => ({
  _tag: "PageSent",
  eventId: `evt-page-${n}`,
  application: "support-bot",
  at,
  releaseId: "rel-1",
  dedupKey: `page-${n}`,
  channel: "log",
});

it.live("rows that the telemetry store refuses are named and skipped; an outage skips none", () => {
  const said: Array<string> = [];
  const logger = Logger.make(({ logLevel, message }) => void said.push(`${logLevel} ${String(message)}`));
  return Effect.gen(function* () {
    const store = yield* EventStore.EventStore;
    const records = Array.from({ length: 20 }, (_, n) => ({ partition: 0, offset: n, event: page(n), refusal: null }));
    yield* store.append(records, at);
    const taken = new Set<string>();
    const all = yield* Deferred.make<void>();
    let outage = 12;
    const telemetry = Telemetry.TelemetryStore.of({
      ...(yield* Telemetry.TelemetryStore),
      insertReleaseEvents: (rows) =>
        Effect.suspend(() => {
          outage -= 1;
          const refused = rows.some(({ event }) => ["evt-page-0", "evt-page-1", "evt-page-9"].includes(event.eventId));
          if (outage >= 0 || refused)
            return Effect.fail(new Telemetry.TelemetryError({ operation: "insert", message: "not this" }));
          for (const { event } of rows) taken.add(event.eventId);
          return taken.size === 17 ? Deferred.succeed(all, undefined) : Effect.void;
        }),
    });
    const settings = registrySettings({ retryMs: 1, maxRetryMs: 1 });
    yield* Effect.provideService(startAnalystsTable(settings), Telemetry.TelemetryStore, telemetry);
    yield* Deferred.await(all);
    yield* Effect.sleep(0);
    const errors = said.filter((line) => line.startsWith("Error"));
    assert.deepStrictEqual(
      errors.map((line) => line.match(/position (\d+)/)?.[1]),
      ["1", "2", "10"],
    );
    assert.isTrue(said.some((line) => /^Warn.*behind after position 0.*not this/.test(line)));
  }).pipe(
    Effect.scoped,
    Effect.provide(Layer.mergeAll(EventStore.layerMemory, Telemetry.layerMemory, Logger.layer([logger]))),
    Effect.timeout("10 seconds"),
  );
});
