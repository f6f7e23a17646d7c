import type { ClickHouseClient } from "@clickhouse/client";
import { type Arm, type ArmWindow, epochMsOf } from "@sluice/contracts";
import * as Effect from "effect/Effect";
import { TelemetryError, type WindowQuery, type WindowRow } from "../telemetry-store.ts";
import { emptyWindow, fillWindows } from "../windows.ts";
import { messageOf } from "./connection.ts";

const instant = (name: string) => `fromUnixTimestamp64Milli({${name}:Int64})`;
const windowOf = (column: string) => `intDiv(toUnixTimestamp64Milli(${column}), {length:Int64})`;
const ofRelease = "application = {application:String} AND release_id = {release:String}";

const observed = `SELECT ${windowOf("ended_at")} AS window, arm,
    toUInt32(count()) AS requests,
    toUInt32(countIf(error_class != '')) AS errors,
    toUInt32(countIf(error_class = '' AND refused IS NOT NULL)) AS answered,
    toUInt32(countIf(error_class = '' AND refused = true)) AS refusals,
    toUInt32(countIf(served_bundle != assigned_bundle)) AS wrong_digest,
    sumMapIf([latency_bin], [toUInt32(1)], error_class = '') AS bins
  FROM observations FINAL
  WHERE ${ofRelease} AND role = 'user' AND ended_at >= ${instant("from")} AND ended_at < ${instant("to")}
  GROUP BY window, arm`;

/**
 * A conversation's first sight as one number, twice its milliseconds and one more on the candidate: five times faster than a
 * minimum of pairs, and ties go to the baseline. Hashing the keys first is what makes the grouping cheap.
 */
const conversations = `SELECT intDiv(intDiv(seen, 2), {length:Int64}) AS window,
    if(seen % 2 = 1, 'candidate', 'baseline') AS arm, toUInt32(count()) AS conversations
  FROM (
    SELECT min(toUnixTimestamp64Milli(ended_at) * 2 + (arm = 'candidate')) AS seen
    FROM observations
    WHERE ${ofRelease} AND role = 'user' AND ended_at >= ${instant("since")} AND ended_at < ${instant("to")}
    GROUP BY cityHash64(cluster_key)
  )
  WHERE seen >= {from:Int64} * 2
  GROUP BY window, arm`;

const quality = `SELECT ${windowOf("window_at")} AS window, arm,
    toUInt32(count()) AS n, sum(assumeNotNull(score)) AS sum, sum(assumeNotNull(score) * assumeNotNull(score)) AS sum_squares
  FROM judgements FINAL
  WHERE ${ofRelease} AND type = 'ResponseJudged' AND score IS NOT NULL
    AND window_at >= ${instant("from")} AND window_at < ${instant("to")}
  GROUP BY window, arm`;

const probes = `SELECT ${windowOf("window_at")} AS window,
    toUInt32(countIf(passed IS NOT NULL)) AS sent, toUInt32(countIf(passed = false)) AS failed,
    arraySort(groupUniqArrayIf(case_id, confirmed)) AS confirmed
  FROM judgements FINAL
  WHERE ${ofRelease} AND type = 'SafetyProbeJudged'
    AND window_at >= ${instant("from")} AND window_at < ${instant("to")}
  GROUP BY window`;

interface OfWindow {
  readonly window: number;
}
interface OfArm extends OfWindow {
  readonly arm: Arm;
}
interface Observed extends OfArm {
  readonly requests: number;
  readonly errors: number;
  readonly answered: number;
  readonly refusals: number;
  readonly wrong_digest: number;
  /** Bins in rising order, and their counts. */
  readonly bins: readonly [ReadonlyArray<number>, ReadonlyArray<number>];
}

/** Each window's counts and sums, straight from the raw rows: a rollup could miss a row after a crash. */
export const selectWindows = Effect.fn("selectWindows")(function* (client: ClickHouseClient, query: WindowQuery) {
  const rows = <Row>(sql: string) =>
    Effect.tryPromise({
      try: () => select<Row>(client, sql, query),
      catch: (cause) => new TelemetryError({ operation: "query", message: `windows: ${messageOf(cause)}` }),
    });
  const windows = new Map<number, WindowRow>();
  const change = (number: number, f: (window: WindowRow) => WindowRow) =>
    windows.set(number, f(windows.get(number) ?? emptyWindow(number, query.windowSeconds)));
  const changeArm = ({ window: number, arm }: OfArm, changes: Partial<ArmWindow>) =>
    change(number, (window) => ({ ...window, [arm]: { ...window[arm], ...changes } }));

  for (const row of yield* rows<Observed>(observed)) {
    const { requests, errors, answered, refusals, wrong_digest: wrongDigest, bins } = row;
    const latencyBins = bins[0].map((bin, i) => [bin, bins[1][i] ?? 0] as const);
    changeArm(row, { requests, errors, answered, refusals, wrongDigest, latencyBins });
  }
  for (const row of yield* rows<OfArm & { readonly conversations: number }>(conversations))
    changeArm(row, { conversations: row.conversations });
  for (const row of yield* rows<OfArm & { n: number; sum: number; sum_squares: number }>(quality))
    changeArm(row, { quality: { n: row.n, sum: row.sum, sumSquares: row.sum_squares } });
  for (const row of yield* rows<OfWindow & { sent: number; failed: number; confirmed: ReadonlyArray<string> }>(probes))
    change(row.window, (window) => ({
      ...window,
      probes: { sent: row.sent, failed: row.failed, confirmed: row.confirmed },
    }));
  return fillWindows(query, windows);
});

const select = async <Row>(client: ClickHouseClient, sql: string, query: WindowQuery): Promise<Array<Row>> => {
  const result = await client.query({
    query: sql,
    format: "JSONEachRow",
    query_params: {
      application: query.application,
      release: query.releaseId,
      from: epochMsOf(query.from),
      to: epochMsOf(query.to),
      since: epochMsOf(query.conversationsSince),
      length: query.windowSeconds * 1_000,
    },
  });
  return result.json<Row>();
};
