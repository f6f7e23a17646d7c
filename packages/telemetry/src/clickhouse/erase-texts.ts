import type { ClickHouseClient } from "@clickhouse/client";
import { epochMsOf } from "@sluice/contracts";
import * as Effect from "effect/Effect";
import { type ErasedRows, type ErasedTexts, TelemetryError } from "../telemetry-store.ts";
import { messageOf } from "./connection.ts";

/** What stands for a judge's words about an answer that was erased: that there was an error is a figure. */
const ERASED = "erased";

const ofKeys = "application = {application:String} AND has({keys:Array(String)}, cluster_key)";
const saidUntil = (time: string) => `${ofKeys} AND ${time} <= fromUnixTimestamp64Milli({until:Int64})`;

/** Per table: which rows are meant, which of them have texts, and what takes those away. */
const places = [
  // Their texts are in a table of their own: these are counted.
  { table: "observations", id: "observation_id", where: saidUntil("ended_at"), texts: "false", change: "" },
  {
    table: "judgements",
    id: "judgement_id",
    // Of whatever time: a judge may be late.
    where: ofKeys,
    texts: `error != '' AND error != '${ERASED}'`,
    change: `UPDATE error = '${ERASED}'`,
  },
  // Without their texts these rows say nothing.
  { table: "observation_texts", id: "observation_id", where: saidUntil("ended_at"), texts: "true", change: "DELETE" },
  { table: "shadow_pairs", id: "pair_id", where: saidUntil("at"), texts: "true", change: "DELETE" },
] as const;

type Place = (typeof places)[number];

/**
 * Erases by mutations, and waits until every replica has carried them out. Parts are rewritten, so it looks first: an erasure is
 * repeated until no late copy can come from the log any more, and seldom finds anything.
 */
export const eraseTexts = Effect.fn("eraseTexts")(function* (
  client: ClickHouseClient,
  cluster: string | null,
  { application, clusterKeys, until }: ErasedTexts,
): Effect.fn.Return<ErasedRows, TelemetryError> {
  const query_params = { application, keys: [...clusterKeys], until: epochMsOf(until) };
  const attempt = <A>(table: string, work: () => Promise<A>) =>
    Effect.tryPromise({
      try: work,
      catch: (cause) => new TelemetryError({ operation: "erase", message: `erase in ${table}: ${messageOf(cause)}` }),
    });

  const eraseIn = Effect.fnUntraced(function* ({ table, id, where, texts, change }: Place) {
    const query = `SELECT toUInt32(uniqExact(${id})) AS rows, toUInt32(countIf(${texts})) AS texts FROM ${table} WHERE ${where}`;
    const [found] = yield* attempt(table, async () =>
      (await client.query({ query, format: "JSONEachRow", query_params })).json<{ rows: number; texts: number }>(),
    );
    if (found && found.texts > 0)
      yield* attempt(table, () =>
        client.command({
          query: `ALTER TABLE ${placeOf(table, cluster)} ${change} WHERE ${where} AND (${texts})`,
          query_params,
          clickhouse_settings: { mutations_sync: "2" },
        }),
      );
    return found?.rows ?? 0;
  });

  const [observations = 0, judgements = 0] = yield* Effect.forEach(places, eraseIn);
  return { observations, judgements };
});

const placeOf = (table: string, cluster: string | null): string =>
  cluster === null ? table : `${table}_local ON CLUSTER '${cluster.replaceAll("'", "''")}'`;
