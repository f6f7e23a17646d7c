import type * as Effect from "effect/Effect";
import * as Metric from "effect/Metric";

/** How often lag is asked for: it is for people and alerts, which look no oftener. */
export const LAG_EVERY_MS = 15_000;

const lag = Metric.gauge("sluice_bus_lag_records", {
  description: "Records of a topic that a group, or this process's own fold, has not handled yet",
});

/** `group` is `follow` for a fold of one's own. */
export const lagIs = (topic: string, group: string, records: number): Effect.Effect<void> =>
  Metric.update(Metric.withAttributes(lag, { topic, group }), Math.max(0, records));
