import { EventBus } from "@sluice/event-bus";
import { Database } from "@sluice/postgres";
import { TelemetryStore } from "@sluice/telemetry";
import * as Context from "effect/Context";
import * as Effect from "effect/Effect";
import type { Checks } from "./operations.ts";

/** What readiness asks, of the ports that a service has opened. */
export const reachable = {
  bus: (ports: Context.Context<EventBus>) => Context.get(ports, EventBus).check ?? Effect.void,
  database: (ports: Context.Context<Database>) => Context.get(ports, Database).query("select 1"),
  telemetry: (ports: Context.Context<TelemetryStore>) => Context.get(ports, TelemetryStore).query("SELECT 1"),
} satisfies Readonly<Record<string, (ports: never) => Checks[string]>>;
