import {
  type GatewayReport,
  gatewaysTopic,
  type ObservationEvent,
  observationsTopic,
  type Topic,
  timestampOf,
} from "@sluice/contracts";
import { EventBus } from "@sluice/event-bus/event-bus";
import * as Effect from "effect/Effect";
import * as Queue from "effect/Queue";
import * as Schema from "effect/Schema";
import type { ObservationBuffer } from "../domain/observation-buffer.ts";
import { publicationSize } from "../domain/publication.ts";
import type { RoutingTable } from "../domain/routing-table.ts";
import type { Gateway } from "./gateway.ts";
import type { Metrics } from "./metrics.ts";
import type { Shadow } from "./shadow-port.ts";

/** A bus that does not answer is as good as down; the same events are sent again. */
const PUBLISH_TIMEOUT = "10 seconds";

/**
 * The topic without its check on the way out. These events are built here from checked parts, and checking thousands
 * a second once more was the dearest thing this process did; whoever reads them checks them anyway.
 */
const ownObservations: Topic<ObservationEvent> = {
  ...observationsTopic,
  schema: Schema.declare((_event): _event is ObservationEvent => true),
};

export interface PublishingParts {
  readonly gatewayId: string;
  readonly table: RoutingTable;
  readonly observations: ObservationBuffer;
  readonly metrics: Metrics;
  readonly gateway: Gateway;
  readonly shadow: Shadow;
}

/**
 * Sends what the buffer holds. New batches are cut only when the last ones are gone, so a bus that is down costs no
 * more than the buffer's bounds, and order is kept. Run by one fiber at a time. With `isWhole` it also tells, by an empty
 * batch, of each application with a candidate that nothing of it is missing.
 */
export const makeFlush = Effect.fnUntraced(function* ({ table, observations, metrics }: PublishingParts) {
  const bus = yield* EventBus;
  let outbox: ReadonlyArray<ObservationEvent> = [];

  const sendFirst = Effect.suspend(() => {
    const events = outbox.slice(0, publicationSize(outbox));
    return bus.publish(ownObservations, events).pipe(
      Effect.timeout(PUBLISH_TIMEOUT),
      Effect.tap(() =>
        Effect.sync(() => {
          observations.published(events);
          outbox = outbox.slice(events.length);
        }),
      ),
    );
  });

  return (isWhole: boolean) =>
    Effect.suspend(() => {
      if (outbox.length === 0)
        outbox = observations.cut(Date.now(), isWhole ? applicationsWithCandidate(table) : new Set());
      return Effect.whileLoop({ while: () => outbox.length > 0, body: () => sendFirst, step: () => {} });
    }).pipe(
      Effect.catch((error) => {
        metrics.publishFailures += 1;
        return Effect.logDebug(`observations wait for the bus: ${error.message}`);
      }),
    );
});

const applicationsWithCandidate = (table: RoutingTable): ReadonlySet<string> =>
  new Set(
    table
      .all()
      .filter(({ routing }) => routing.candidate !== null)
      .map(({ routing }) => routing.application),
  );

/** Publishes a sign of life; a failure is no more than a missing one. */
export const makeReport = Effect.fnUntraced(function* (parts: PublishingParts) {
  const bus = yield* EventBus;
  let lastAtMs = 0;
  return Effect.fnUntraced(function* (live: boolean) {
    // Two reports in one millisecond must still be two events.
    lastAtMs = Math.max(Date.now(), lastAtMs + 1);
    const report = reportOf(parts, lastAtMs, live);
    yield* bus.publish(gatewaysTopic, [report]).pipe(
      Effect.timeout(PUBLISH_TIMEOUT),
      Effect.tap(() => Effect.sync(() => parts.observations.lossReported(report.dropped.observations))),
      Effect.catch((error) => Effect.logDebug(`no report could be published: ${error.message}`)),
    );
  });
});

const reportOf = (parts: PublishingParts, atMs: number, live: boolean): GatewayReport => ({
  _tag: "GatewayReported",
  gatewayId: parts.gatewayId,
  at: timestampOf(atMs),
  live,
  routing: Object.fromEntries(parts.table.all().map(({ routing }) => [routing.application, routing.version])),
  candidateLastServedAt: parts.gateway.candidateLastServedAt,
  dropped: {
    observations: parts.observations.dropped.observations,
    payloads: parts.observations.dropped.payloads,
    mirrored: sumOf(parts.shadow.droppedByReason) + parts.observations.dropped.pairs,
  },
});

const sumOf = (counts: ReadonlyMap<string, number>): number => [...counts.values()].reduce((sum, n) => sum + n, 0);

/** Reports at every tick, and at once when `changed` says so. */
export const reportForEver = <E>(
  report: (live: boolean) => Effect.Effect<void, E>,
  changed: Queue.Queue<void>,
  intervalMs: number,
) => Effect.forever(Effect.andThen(report(true), Queue.take(changed).pipe(Effect.timeoutOption(intervalMs))));
