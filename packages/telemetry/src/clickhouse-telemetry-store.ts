import type { ClickHouseClient } from "@clickhouse/client";
import { timestampOf } from "@sluice/contracts";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import { answerAnalyst } from "./clickhouse/answer-analyst.ts";
import { type ClickHouseSettings, connect, messageOf } from "./clickhouse/connection.ts";
import { eraseTexts } from "./clickhouse/erase-texts.ts";
import { insertJudgements, insertObservations, insertPairs, insertReleaseEvents } from "./clickhouse/insert.ts";
import { minuteRollup, rollupTiming } from "./clickhouse/minute-rollup.ts";
import { moveTexts } from "./clickhouse/move-texts.ts";
import { MINUTE_MS } from "./clickhouse/rollup-statements.ts";
import { clickHouseSchema } from "./clickhouse/schema.ts";
import { selectBundleChanges } from "./clickhouse/select-bundle-changes.ts";
import { selectPairs } from "./clickhouse/select-pairs.ts";
import { selectTraffic } from "./clickhouse/select-traffic.ts";
import { selectWindows } from "./clickhouse/select-windows.ts";
import { TelemetryError, TelemetryStore, type WindowQuery } from "./telemetry-store.ts";
import { faultOfQuery } from "./windows.ts";

/**
 * ClickHouse, embedded (`path`: one directory per process) or a server (`url`). Creates tables and views that are missing.
 * Fails when it cannot be opened.
 */
export const layerClickHouse = (settings: ClickHouseSettings): Layer.Layer<TelemetryStore, TelemetryError> =>
  Layer.effect(
    TelemetryStore,
    Effect.flatMap(openClickHouse(settings), ({ store, keepRolledUp }) =>
      Effect.as(Effect.forkScoped(keepRolledUp), store),
    ),
  );

/** The store and its rollup's pass, for whoever wants to say when it runs. A directory is opened by one process, once. */
export const openClickHouse = Effect.fnUntraced(function* (
  settings: ClickHouseSettings,
  timing = rollupTiming,
  isOnlyWriter = "path" in settings,
) {
  const clients = yield* connect(settings);
  const { writer, reader, analyst } = clients;
  const cluster = "url" in settings ? (settings.cluster ?? null) : null;
  const schema = Effect.forEach(clickHouseSchema(cluster), (statement) => define(writer, statement), { discard: true });
  yield* schema;
  // A distributed table has the columns that its local one had when it was made.
  if (yield* moveTexts(writer, cluster)) yield* schema;
  const answer = yield* answerAnalyst(analyst);
  const rollup = minuteRollup(clients, timing, isOnlyWriter);
  yield* rollup.repair;
  const store = TelemetryStore.of({
    insertObservations: (batches, source) => rollup.insert(batches, insertObservations(writer, batches, source)),
    insertJudgements: (judgements) => insertJudgements(writer, judgements),
    insertPairs: (pairs) => insertPairs(writer, pairs),
    insertReleaseEvents: (events) => insertReleaseEvents(writer, events),
    watermarks: (application) => selectWatermarks(reader, application),
    windows: (query) => {
      const fault = faultOfQuery(query);
      return fault
        ? Effect.fail(new TelemetryError({ operation: "query", message: fault }))
        : Effect.flatMap(usableRollup(query), (bound) => selectWindows(reader, query, bound));
    },
    traffic: (query) => selectTraffic(reader, query),
    pairs: (query) => selectPairs(reader, query),
    eraseTexts: (texts) => eraseTexts(writer, cluster, texts),
    bundleChanges: (digest) => selectBundleChanges(reader, digest),
    query: (sql, parameters = {}) => selectRows(analyst, sql, parameters),
    answer,
  });
  /** Windows that are no whole minutes are read raw. */
  const usableRollup = ({ application, windowSeconds }: WindowQuery) =>
    (windowSeconds * 1_000) % MINUTE_MS === 0 ? rollup.boundOf(application, reader) : Effect.succeed(0);
  return { store, rollUp: rollup.rollUp, keepRolledUp: rollup.keepRolledUp, clients, usableRollup };
});

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
