import type { ClickHouseClient } from "@clickhouse/client";
import { type Arm, type ArmWindow, epochMsOf } from "@sluice/contracts";
import * as Effect from "effect/Effect";
import { TelemetryError, type WindowQuery, type WindowRow } from "../telemetry-store.ts";
import { CLIENT_GONE_STATUS, emptyWindow, fillWindows, noUnits, withUnits } from "../windows.ts";
import { messageOf } from "./connection.ts";

const instant = (name: string) => `fromUnixTimestamp64Milli({${name}:Int64})`;
const windowOf = (column: string) => `intDiv(toUnixTimestamp64Milli(${column}), {length:Int64})`;
const ofRelease = "application = {application:String} AND release_id = {release:String}";

/**
 * A client that left before its answer: nothing is known of the arm, neither an answer nor an error, and the time until it
 * left is no latency. So the request counts for no rate; only its conversation was assigned, and with the right bundle or not.
 * (An upstream that answers 499 itself has an error class, and is an error.)
 */
const abandoned = `(status = ${CLIENT_GONE_STATUS} AND error_class = '')`;

const observed = `SELECT ${windowOf("ended_at")} AS window, arm,
    toUInt32(countIf(NOT ${abandoned})) AS requests,
    toUInt32(countIf(error_class != '')) AS errors,
    toUInt32(countIf(error_class = '' AND NOT ${abandoned} AND refused IS NOT NULL)) AS answered,
    toUInt32(countIf(error_class = '' AND NOT ${abandoned} AND refused = true)) AS refusals,
    toUInt32(countIf(served_bundle != assigned_bundle)) AS wrong_digest,
    sumMapIf([latency_bin], [toUInt32(1)], error_class = '' AND NOT ${abandoned}) AS bins
  FROM observations FINAL
  WHERE ${ofRelease} AND role = 'user' AND ended_at >= ${instant("from")} AND ended_at < ${instant("to")}
  GROUP BY window, arm`;

/**
 * A first request as one number, so that a plain minimum finds it: its milliseconds, its latency bin, and what became of it.
 * Ties within a millisecond go the same way on both arms, and a row that is there twice changes nothing.
 */
const FIRST_BITS = 8_192;
const BINS = 1_024;
const [ANSWERED, REFUSED, UNKNOWN, FAILED, ABANDONED] = [0, 1, 2, 3, 4];
const request = `toUInt64(toUnixTimestamp64Milli(ended_at)) * ${FIRST_BITS} + toUInt64(least(latency_bin, ${BINS - 1})) * 8
  + multiIf(error_class != '', ${FAILED}, ${abandoned}, ${ABANDONED}, refused IS NULL, ${UNKNOWN}, refused, ${REFUSED}, ${ANSWERED})`;
const stateOf = "first % 8";

/**
 * Each cluster's first request on each arm, before and after the share has settled; the earlier one of the settled two is
 * its conversation (ties go to the baseline). Grouping by a hash, and one scan for all of it, is what makes this cheap.
 */
const units = `SELECT intDiv(first, ${FIRST_BITS} * {length:UInt64}) AS window, if(is_candidate, 'candidate', 'baseline') AS arm,
    toUInt32(sum(is_conversation)) AS conversations,
    toUInt32(countIf(${stateOf} != ${ABANDONED})) AS n,
    toUInt32(countIf(${stateOf} = ${FAILED})) AS errors,
    toUInt32(countIf(${stateOf} IN (${ANSWERED}, ${REFUSED}))) AS answered,
    toUInt32(countIf(${stateOf} = ${REFUSED})) AS refusals,
    sumMapIf([toInt16(intDiv(first, 8) % ${BINS})], [toUInt32(1)], ${stateOf} < ${FAILED}) AS bins
  FROM (
    SELECT arrayJoin(arrayFilter(unit -> unit.1 != 0, [
        (early_baseline, 0, 0), (early_candidate, 1, 0),
        (baseline, 0, candidate = 0 OR intDiv(baseline, ${FIRST_BITS}) <= intDiv(candidate, ${FIRST_BITS})),
        (candidate, 1, baseline = 0 OR intDiv(candidate, ${FIRST_BITS}) < intDiv(baseline, ${FIRST_BITS}))
      ])) AS unit, unit.1 AS first, unit.2 AS is_candidate, unit.3 AS is_conversation
    FROM (
      SELECT minIf(${request} AS request, arm = 'baseline' AND NOT settled) AS early_baseline,
        minIf(request, arm = 'candidate' AND NOT settled) AS early_candidate,
        minIf(request, arm = 'baseline' AND (ended_at >= ${instant("since")} AS settled)) AS baseline,
        minIf(request, arm = 'candidate' AND settled) AS candidate
      FROM observations
      WHERE ${ofRelease} AND role = 'user' AND ended_at >= ${instant("unitsSince")} AND ended_at < ${instant("to")}
      GROUP BY cityHash64(cluster_key)
    )
  )
  WHERE first >= {from:UInt64} * ${FIRST_BITS}
  GROUP BY window, arm`;

/** Each cluster's first score on each arm, before and after the share has settled. */
const quality = `SELECT ${windowOf("first.1")} AS window, arm,
    toUInt32(count()) AS n, sum(first.3) AS sum, sum(first.3 * first.3) AS sum_squares
  FROM (
    SELECT arm, min((window_at, judgement_id, assumeNotNull(score))) AS first
    FROM judgements FINAL
    WHERE ${ofRelease} AND type = 'ResponseJudged' AND score IS NOT NULL
      AND window_at >= ${instant("unitsSince")} AND window_at < ${instant("to")}
    GROUP BY cityHash64(cluster_key), arm, window_at >= ${instant("since")}
  )
  WHERE first.1 >= ${instant("from")}
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
interface Counted extends OfArm {
  readonly errors: number;
  readonly answered: number;
  readonly refusals: number;
  /** Bins in rising order, and their counts. */
  readonly bins: readonly [ReadonlyArray<number>, ReadonlyArray<number>];
}
interface Observed extends Counted {
  readonly requests: number;
  readonly wrong_digest: number;
}
interface Units extends Counted {
  readonly conversations: number;
  readonly n: number;
}
interface Scored extends OfArm {
  readonly n: number;
  readonly sum: number;
  readonly sum_squares: number;
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
  const changeArm = ({ window: number, arm }: OfArm, f: (arm: ArmWindow) => ArmWindow) =>
    change(number, (window) => ({ ...window, [arm]: f(window[arm]) }));

  for (const row of yield* rows<Observed>(observed)) {
    const { requests, wrong_digest: wrongDigest } = row;
    changeArm(row, (arm) => withUnits({ ...arm, ...countsOf(row), requests, wrongDigest }, noUnits));
  }
  for (const row of yield* rows<Units>(units)) {
    const { n, conversations } = row;
    changeArm(row, (arm) => withUnits({ ...arm, conversations }, { n, ...countsOf(row) }));
  }
  for (const row of yield* rows<Scored>(quality))
    changeArm(row, (arm) => ({ ...arm, quality: { n: row.n, sum: row.sum, sumSquares: row.sum_squares } }));
  for (const row of yield* rows<OfWindow & { sent: number; failed: number; confirmed: ReadonlyArray<string> }>(probes))
    change(row.window, (window) => ({
      ...window,
      probes: { sent: row.sent, failed: row.failed, confirmed: row.confirmed },
    }));
  return fillWindows(query, windows);
});

const countsOf = ({ errors, answered, refusals, bins }: Counted) => ({
  errors,
  answered,
  refusals,
  latencyBins: bins[0].map((bin, i) => [bin, bins[1][i] ?? 0] as const),
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
      unitsSince: epochMsOf(query.unitsSince),
      since: epochMsOf(query.conversationsSince),
      length: query.windowSeconds * 1_000,
    },
  });
  return result.json<Row>();
};
