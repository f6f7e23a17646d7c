import type { ClickHouseClient } from "@clickhouse/client";
import { epochMsOf, timestampOf } from "@sluice/contracts";
import * as Effect from "effect/Effect";
import { TelemetryError, type TrafficQuery, type TrafficTotals } from "../telemetry-store.ts";
import { messageOf } from "./connection.ts";
import { abandoned, observationCounts } from "./observation-counts.ts";

const within = (column: string) =>
  `${column} >= fromUnixTimestamp64Milli({from:Int64}) AND ${column} < fromUnixTimestamp64Milli({to:Int64})`;

const observed = `SELECT toUnixTimestamp64Milli(min(ended_at)) AS first_at,
    toUInt32(uniqCombined64(cityHash64(cluster_key), intDiv(toUnixTimestamp64Milli(ended_at), {unit:Int64}))) AS units,
    ${observationCounts}
  FROM observations FINAL
  WHERE application = {application:String} AND role = 'user' AND ${within("ended_at")}
    AND NOT ${abandoned}`;

const scored = `SELECT toUInt32(count()) AS n, sum(assumeNotNull(score)) AS sum,
    sum(assumeNotNull(score) * assumeNotNull(score)) AS sum_squares
  FROM judgements FINAL
  WHERE application = {application:String} AND type = 'ResponseJudged' AND score IS NOT NULL AND ${within("window_at")}`;

interface Observed {
  readonly first_at: number | string;
  readonly requests: number;
  readonly units: number;
  readonly errors: number;
  readonly answered: number;
  readonly refusals: number;
  readonly bins: readonly [ReadonlyArray<number>, ReadonlyArray<number>];
}
interface Scored {
  readonly n: number;
  readonly sum: number;
  readonly sum_squares: number;
}

/** Totals of an application's user traffic. Units are counted to within a per cent or so: it is for a forecast. */
export const selectTraffic = Effect.fn("selectTraffic")(function* (client: ClickHouseClient, query: TrafficQuery) {
  const { application, from, to, unitSeconds } = query;
  const row = <Row>(sql: string) =>
    Effect.tryPromise({
      try: async () => {
        const result = await client.query({
          query: sql,
          format: "JSONEachRow",
          query_params: { application, from: epochMsOf(from), to: epochMsOf(to), unit: unitSeconds * 1_000 },
        });
        const [first] = await result.json<Row>();
        if (first === undefined) throw new Error("no row");
        return first;
      },
      catch: (cause) => new TelemetryError({ operation: "query", message: `traffic: ${messageOf(cause)}` }),
    });
  const seen = yield* row<Observed>(observed);
  const scores = yield* row<Scored>(scored);
  const { requests, units, errors, answered, refusals, bins } = seen;
  return {
    firstAt: requests > 0 ? timestampOf(Number(seen.first_at)) : null,
    requests,
    units,
    errors,
    answered,
    refusals,
    latencyBins: bins[0].map((bin, i) => [bin, bins[1][i] ?? 0] as const),
    quality: { n: scores.n, sum: scores.sum, sumSquares: scores.sum_squares },
  } satisfies TrafficTotals;
});
