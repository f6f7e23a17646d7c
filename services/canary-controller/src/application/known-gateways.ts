import { type GatewayReport, gatewaysTopic, timestampOf } from "@sluice/contracts";
import { EventBus, type Received } from "@sluice/event-bus";
import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import { type GatewayBook, recordReport } from "../domain/gateway-book.ts";

/** Follows the gateways' reports. `changed` runs when one of them serves another version than before. */
export const knownGateways = Effect.fn("knownGateways")(function* (changed: Effect.Effect<void>) {
  const bus = yield* EventBus;
  let book: GatewayBook = new Map();
  // What was on the topic before is as old as it says; what comes now was sent now, whatever the gateway's clock says.
  let caughtUp = false;
  yield* bus.follow(gatewaysTopic, (batch: ReadonlyArray<Received<GatewayReport>>) =>
    Effect.gen(function* () {
      const now = timestampOf(yield* Clock.currentTimeMillis);
      const before = book;
      for (const { event } of batch) book = recordReport(book, event, caughtUp ? now : event.at);
      if (batch.some(({ event }) => servesAnother(before, event))) yield* changed;
    }),
  );
  caughtUp = true;
  return (): GatewayBook => book;
});

const servesAnother = (before: GatewayBook, { gatewayId, routing }: GatewayReport): boolean => {
  const known = before.get(gatewayId)?.report.routing ?? {};
  return Object.entries(routing).some(([application, version]) => known[application] !== version);
};
