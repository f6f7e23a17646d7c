import { type ClickHouseClient, ClickHouseLogLevel, createClient } from "@clickhouse/client";
import * as Effect from "effect/Effect";
import * as Redacted from "effect/Redacted";
import type * as Scope from "effect/Scope";
import { TelemetryError } from "../telemetry-store.ts";
import { keepingSettings, settledConnection } from "./settled-connection.ts";

/** ClickHouse in this process (a directory that nobody else has open) or a server. */
export type ClickHouseSettings =
  | { readonly path: string }
  | {
      readonly url: string;
      /** Name of the cluster on which tables are replicated and distributed; left out: one server. */
      readonly cluster?: string;
      readonly database?: string;
      readonly username?: string;
      readonly password?: Redacted.Redacted;
    };

export interface Clients {
  readonly writer: ClickHouseClient;
  readonly reader: ClickHouseClient;
  /** For the rollup's own statements. */
  readonly roller: ClickHouseClient;
  /** For statements of analysts: read-only and bounded, so that they can neither change nor starve anything. */
  readonly analyst: ClickHouseClient;
}

/** A query that takes longer is a failed query: the controller holds instead of waiting for ever. */
const QUERY_SECONDS = 30;
const MAX_RESULT_ROWS = 100_000;

const common = {
  // An insert into a distributed table is acknowledged when its shard has it, not when it is on its way.
  distributed_foreground_insert: 1,
  output_format_json_quote_64bit_integers: 0,
  do_not_merge_across_partitions_select_final: 1,
} as const;
const bounded = { ...common, max_execution_time: QUERY_SECONDS } as const;
const readOnly = {
  ...bounded,
  max_result_rows: String(MAX_RESULT_ROWS),
  result_overflow_mode: "throw",
  // 2, not 1: the settings themselves come with each statement. It cannot be lifted again.
  readonly: "2",
} as const;

/**
 * Several clients, because an embedded connection runs one statement at a time: a window query must wait neither for an
 * insert nor for the rollup or an analyst. Closed with the scope, in order that another directory can be opened afterwards.
 */
export const connect = (settings: ClickHouseSettings): Effect.Effect<Clients, TelemetryError, Scope.Scope> =>
  Effect.gen(function* () {
    const open = "path" in settings ? yield* openEmbedded(settings.path) : openServer(settings);
    const client = (clickhouse_settings: Record<string, string | number>) =>
      Effect.acquireRelease(Effect.try({ try: () => open(clickhouse_settings), catch: asOpenError }), (opened) =>
        Effect.promise(() => opened.close().catch(() => {})),
      );
    return {
      writer: yield* client(common),
      reader: yield* client(bounded),
      roller: yield* client(bounded),
      analyst: yield* client(readOnly),
    };
  });

type Open = (clickhouse_settings: Record<string, string | number>) => ClickHouseClient;

const quiet = { log: { level: ClickHouseLogLevel.OFF } };

const openServer = ({ url, database, username, password }: Exclude<ClickHouseSettings, { path: string }>): Open => {
  return (clickhouse_settings) =>
    createClient({
      url,
      ...(database !== undefined && { database }),
      ...(username !== undefined && { username }),
      ...(password !== undefined && { password: Redacted.value(password) }),
      application: "sluice",
      request_timeout: (QUERY_SECONDS + 5) * 1_000,
      clickhouse_settings,
      ...quiet,
    });
};

/** The library is half a gigabyte: it is loaded only where ClickHouse is embedded. */
const openEmbedded = (path: string): Effect.Effect<Open, TelemetryError> =>
  Effect.map(
    Effect.tryPromise({ try: () => import("chdb/connection"), catch: asOpenError }),
    ({ createChdbConnection }) =>
      (clickhouse_settings) =>
        createClient({
          connection: connectionOf(settledConnection(ofSettings(createChdbConnection({ path }), clickhouse_settings))),
          clickhouse_settings,
          ...quiet,
        }),
  );

/** Analysts' statements are told their limits each time: nothing that was set before may matter. */
const ofSettings = <C extends object>(connection: C, settings: Readonly<Record<string, unknown>>): C =>
  settings.readonly === undefined ? keepingSettings(connection) : connection;

type Connection = NonNullable<Parameters<typeof createClient>[0]>["connection"];

/** chDB implements the client's interface as declared in another package, in which a private field is a second one. */
const connectionOf = (connection: unknown) => connection as NonNullable<Connection>;

const asOpenError = (cause: unknown) =>
  new TelemetryError({ operation: "open", message: `ClickHouse cannot be opened: ${messageOf(cause)}` });

/** First line only: ClickHouse repeats the statement in the others. */
export const messageOf = (cause: unknown): string =>
  (cause instanceof Error ? cause.message : String(cause)).split("\n", 1)[0]?.slice(0, 500) ?? "";
