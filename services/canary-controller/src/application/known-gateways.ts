import { type GatewayReport, gatewaysTopic } from "@sluice/contracts";
import { EventBus, type Received } from "@sluice/event-bus";
import * as Effect from "effect/Effect";
import { type GatewayBook, recordReport } from "../domain/gateway-book.ts";

/** Follows the gateways' reports. `changed` runs when one of them serves another version than before. */
export const knownGateways = Effect.fn("knownGateways")(function* (changed: Effect.Effect<void>) {
  const bus = yield* EventBus;
  let book: GatewayBook = new Map();
  yield* bus.follow(gatewaysTopic, (batch: ReadonlyArray<Received<GatewayReport>>) =>
    Effect.suspend(() => {
      const before = book;
      for (const { event } of batch) book = recordReport(book, event);
      return batch.some(({ event }) => servesAnother(before, event)) ? changed : Effect.void;
    }),
  );
  return (): GatewayBook => book;
});

const servesAnother = (before: GatewayBook, { gatewayId, routing }: GatewayReport): boolean => {
  const known = before.get(gatewayId)?.report.routing ?? {};
  return Object.entries(routing).some(([application, version]) => known[application] !== version);
};
