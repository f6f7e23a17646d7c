import type { ClickHouseClient } from "@clickhouse/client";
import { timestampOf } from "@sluice/contracts";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import { type ClickHouseSettings, connect, messageOf } from "./clickhouse/connection.ts";
import { insertJudgements, insertObservations, insertReleaseEvents } from "./clickhouse/insert.ts";
import { kpiViews } from "./clickhouse/kpi-views.ts";
import { selectWindows } from "./clickhouse/select-windows.ts";
import { tables } from "./clickhouse/tables.ts";
import { TelemetryError, TelemetryStore } from "./telemetry-store.ts";
import { faultOfQuery } from "./windows.ts";

/**
 * ClickHouse, embedded (`path`: one directory per process) or a server (`url`). Creates tables and views that are missing.
 * Fails when it cannot be opened.
 */
export const layerClickHouse = (settings: ClickHouseSettings): Layer.Layer<TelemetryStore, TelemetryError> =>
  Layer.effect(
    TelemetryStore,
    Effect.gen(function* () {
      const { writer, reader, analyst } = yield* connect(settings);
      yield* Effect.forEach([...tables, ...kpiViews], (statement) => define(writer, statement), { discard: true });
      return TelemetryStore.of({
        insertObservations: (batches) => insertObservations(writer, batches),
        insertJudgements: (judgements) => insertJudgements(writer, judgements),
        insertReleaseEvents: (events) => insertReleaseEvents(writer, events),
        watermarks: (application) => selectWatermarks(reader, application),
        windows: (query) => {
          const fault = faultOfQuery(query);
          return fault
            ? Effect.fail(new TelemetryError({ operation: "query", message: fault }))
            : selectWindows(reader, query);
        },
        query: (sql, parameters = {}) => selectRows(analyst, sql, parameters),
      });
    }),
  );

const define = (client: ClickHouseClient, statement: string) =>
  Effect.tryPromise({
    try: () => client.command({ query: statement }),
    catch: (cause) => new TelemetryError({ operation: "open", message: `tables and views: ${messageOf(cause)}` }),
  });

const selectRows = (client: ClickHouseClient, sql: string, parameters: Readonly<Record<string, unknown>>) =>
  Effect.tryPromise({
    try: async () => {
      const result = await client.query({ query: sql, format: "JSONEachRow", query_params: { ...parameters } });
      return result.json<Record<string, unknown>>();
    },
    catch: (cause) => new TelemetryError({ operation: "query", message: messageOf(cause) }),
  });

const watermarks = `SELECT gateway_id, toUnixTimestamp64Milli(max(through)) AS through FROM gateway_batches
  WHERE application = {application:String} GROUP BY gateway_id`;

const selectWatermarks = (client: ClickHouseClient, application: string) =>
  Effect.map(
    selectRows(client, watermarks, { application }),
    (rows) => new Map(rows.map((row) => [String(row.gateway_id), timestampOf(Number(row.through))])),
  );
