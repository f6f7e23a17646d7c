import type { ClickHouseClient } from "@clickhouse/client";
import * as Effect from "effect/Effect";
import { TelemetryError } from "../telemetry-store.ts";
import { messageOf } from "./connection.ts";
import { onCluster } from "./on-cluster.ts";
import { PAYLOAD_DAYS } from "./tables.ts";

const columns = "observation_id, application, release_id, ended_at, cluster_key, input, output";

/**
 * Sampled texts were columns of `observations` once, where analysts could read them. These statements take them into their own
 * table, and the columns away. Again: the same rows have the same keys.
 */
export const movingTexts = (cluster: string | null): ReadonlyArray<string> => {
  const statements = [
    `INSERT INTO observation_texts (${columns}) SELECT ${columns} FROM observations
    WHERE (input != '' OR output != '') AND ended_at > now() - INTERVAL ${PAYLOAD_DAYS} DAY`,
    "ALTER TABLE observations DROP COLUMN IF EXISTS input, DROP COLUMN IF EXISTS output",
  ];
  return cluster === null ? statements : onCluster(statements, cluster);
};

const columnsThere = `SELECT toUInt32(count()) AS n FROM system.columns
  WHERE database = currentDatabase() AND table = {table:String} AND name IN ('input', 'output')`;

/** Moves texts of a version before, where there are any columns of them; tells whether it did. */
export const moveTexts = Effect.fn("moveTexts")(function* (client: ClickHouseClient, cluster: string | null) {
  const attempt = <A>(work: () => Promise<A>) =>
    Effect.tryPromise({
      try: work,
      catch: (cause) => new TelemetryError({ operation: "open", message: `moving texts: ${messageOf(cause)}` }),
    });
  const areColumns = Effect.map(
    attempt(async () => {
      const query_params = { table: cluster === null ? "observations" : "observations_local" };
      const result = await client.query({ query: columnsThere, format: "JSONEachRow", query_params });
      return result.json<{ readonly n: number }>();
    }),
    ([found]) => (found?.n ?? 0) > 0,
  );
  if (!(yield* areColumns)) return false;
  yield* Effect.forEach(
    movingTexts(cluster),
    (query) => attempt(() => client.command({ query, clickhouse_settings: { alter_sync: "2", mutations_sync: "2" } })),
    { discard: true },
  ).pipe(
    // Another process that starts now may have been faster.
    Effect.catch((error) => Effect.flatMap(areColumns, (still) => (still ? Effect.fail(error) : Effect.void))),
  );
  return true;
});
