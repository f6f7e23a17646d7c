import type { ClickHouseClient } from "@clickhouse/client";
import { type Arm, type ArmWindow, epochMsOf } from "@sluice/contracts";
import * as Effect from "effect/Effect";
import { TelemetryError, type WindowQuery, type WindowRow } from "../telemetry-store.ts";
import { emptyWindow, fillWindows, noUnits, withUnits } from "../windows.ts";
import { messageOf } from "./connection.ts";
import { abandoned, observationCounts } from "./observation-counts.ts";
import { rolledThrough } from "./rollup-statements.ts";

const instant = (name: string) => `fromUnixTimestamp64Milli({${name}:Int64})`;
const windowOf = (column: string) => `intDiv(toUnixTimestamp64Milli(${column}), {length:Int64})`;
const ofRelease = "application = {application:String} AND release_id = {release:String}";

const fromRollup = `SELECT intDiv(toUnixTimestamp(minute) * 1000, {length:Int64}) AS window, arm, requests, errors, answered,
      refusals, wrong_digest, (latency_bins, latency_counts) AS bins
    FROM observations_by_minute FINAL
    WHERE ${ofRelease} AND role = 'user' AND minute >= toDateTime(intDiv({from:Int64}, 1000), 'UTC')
      AND minute < toDateTime(intDiv(least(rolled, {to:Int64}), 1000), 'UTC')`;
const fromRaw = `SELECT ${windowOf("ended_at")} AS window, arm, ${observationCounts}
    FROM observations FINAL
    WHERE ${ofRelease} AND role = 'user'
      AND ended_at >= fromUnixTimestamp64Milli(greatest({from:Int64}, rolled)) AND ended_at < ${instant("to")}
    GROUP BY window, arm`;

/** Whole minutes up to the bound come from the rollup, the others from the raw rows. */
const observed = ({ windowSeconds }: WindowQuery, bound: RollupBound) => {
  const rolled = typeof bound === "number" ? `${Math.floor(bound)}` : rolledThrough;
  const both = `${fromRollup} UNION ALL ${fromRaw}`;
  // Windows of one minute are rows of the rollup as they are.
  const rows =
    windowSeconds === 60
      ? both
      : `SELECT window, arm, toUInt32(sum(requests)) AS requests, toUInt32(sum(errors)) AS errors,
    toUInt32(sum(answered)) AS answered, toUInt32(sum(refusals)) AS refusals,
    toUInt32(sum(wrong_digest)) AS wrong_digest, sumMap(bins.1, bins.2) AS bins
  FROM (${both}) GROUP BY window, arm`;
  return `WITH toInt64(${rolled}) AS rolled ${rows}`;
};

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
      GROUP BY cluster_hash
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

/** Up to where the rollup is used, in epoch milliseconds (0: raw rows only), or by what its own tables say. */
export type RollupBound = number | { readonly settleMs: number };

/** What all requests of each window and arm add up to; rows of empty ones are missing. */
export const selectWindowCounts = (client: ClickHouseClient, query: WindowQuery, bound: RollupBound) =>
  selectRows<Observed>(client, observed(query, bound), query, bound);

/**
 * Each window's counts and sums. Units and scores always come from raw rows: whose first request it was cannot be added up over minutes.
 */
export const selectWindows = Effect.fn("selectWindows")(function* (
  client: ClickHouseClient,
  query: WindowQuery,
  bound: RollupBound,
) {
  const rows = <Row>(sql: string) => selectRows<Row>(client, sql, query, bound);
  const windows = new Map<number, WindowRow>();
  const change = (number: number, f: (window: WindowRow) => WindowRow) =>
    windows.set(number, f(windows.get(number) ?? emptyWindow(number, query.windowSeconds)));
  const changeArm = ({ window: number, arm }: OfArm, f: (arm: ArmWindow) => ArmWindow) =>
    change(number, (window) => ({ ...window, [arm]: f(window[arm]) }));

  for (const row of yield* selectWindowCounts(client, query, bound)) {
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

const selectRows = <Row>(client: ClickHouseClient, sql: string, query: WindowQuery, bound: RollupBound) =>
  Effect.tryPromise({
    try: async () => {
      const result = await client.query({
        query: sql,
        format: "JSONEachRow",
        query_params: parametersOf(query, bound),
      });
      return result.json<Row>();
    },
    catch: (cause) => new TelemetryError({ operation: "query", message: `windows: ${messageOf(cause)}` }),
  });

const parametersOf = (query: WindowQuery, bound: RollupBound) => ({
  application: query.application,
  release: query.releaseId,
  from: epochMsOf(query.from),
  to: epochMsOf(query.to),
  unitsSince: epochMsOf(query.unitsSince),
  since: epochMsOf(query.conversationsSince),
  length: query.windowSeconds * 1_000,
  ...(typeof bound !== "number" && { settleMs: bound.settleMs }),
});
