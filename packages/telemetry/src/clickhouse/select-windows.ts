import type { ClickHouseClient } from "@clickhouse/client";
import { type Arm, type ArmWindow, epochMsOf } from "@sluice/contracts";
import * as Effect from "effect/Effect";
import type { WindowQuery, WindowRow } from "../telemetry-store.ts";
import { emptyWindow, fillWindows, noUnits, withUnits } from "../windows.ts";
import { ABANDONED, ANSWERED, binOf, FAILED, OUTCOMES, outcome, REFUSED, stateOf } from "./observation-counts.ts";
import { type Counted, latencyBinsOf, selectRows, selectWindowCounts } from "./select-window-counts.ts";

const instant = (name: string) => `fromUnixTimestamp64Milli({${name}:Int64})`;
const windowOf = (column: string) => `intDiv(toUnixTimestamp64Milli(${column}), {length:Int64})`;
const ofRelease = "application = {application:String} AND release_id = {release:String}";

/**
 * A first request as one number, so that a plain minimum finds it: its milliseconds, its latency bin, and what became of it.
 * Ties within a millisecond go the same way on both arms, and a row that is there twice changes nothing.
 */
const request = `toUInt64(toUnixTimestamp64Milli(ended_at)) * ${OUTCOMES} + ${outcome}`;
const state = stateOf("first");

/**
 * Each cluster's first request on each arm, before and after the share has settled; the earlier one of the settled two is
 * its conversation (ties go to the baseline). Grouping by a hash, and one scan for all of it, is what makes this cheap.
 */
const units = `SELECT intDiv(first, ${OUTCOMES} * {length:UInt64}) AS window, if(is_candidate, 'candidate', 'baseline') AS arm,
    toUInt32(sum(is_conversation)) AS conversations,
    toUInt32(countIf(${state} != ${ABANDONED})) AS n,
    toUInt32(countIf(${state} = ${FAILED})) AS errors,
    toUInt32(countIf(${state} IN (${ANSWERED}, ${REFUSED}))) AS answered,
    toUInt32(countIf(${state} = ${REFUSED})) AS refusals,
    sumMapIf([${binOf("first")}], [toUInt32(1)], ${state} < ${FAILED}) AS bins
  FROM (
    SELECT arrayJoin(arrayFilter(unit -> unit.1 != 0, [
        (early_baseline, 0, 0), (early_candidate, 1, 0),
        (baseline, 0, candidate = 0 OR intDiv(baseline, ${OUTCOMES}) <= intDiv(candidate, ${OUTCOMES})),
        (candidate, 1, baseline = 0 OR intDiv(candidate, ${OUTCOMES}) < intDiv(baseline, ${OUTCOMES}))
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
  WHERE first >= {from:UInt64} * ${OUTCOMES}
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
interface Units extends Counted {
  readonly conversations: number;
  readonly n: number;
}
interface Scored extends OfArm {
  readonly n: number;
  readonly sum: number;
  readonly sum_squares: number;
}

/**
 * Each window's counts and sums. Units and scores always come from raw rows: whose first request it was cannot be added up over minutes.
 */
export const selectWindows = Effect.fn("selectWindows")(function* (
  client: ClickHouseClient,
  query: WindowQuery,
  bound: number,
) {
  const parameters = parametersOf(query);
  const rows = <Row>(sql: string) => selectRows<Row>(client, sql, parameters);
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

const countsOf = (counted: Counted) => {
  const { errors, answered, refusals } = counted;
  return { errors, answered, refusals, latencyBins: latencyBinsOf(counted) };
};

const parametersOf = (query: WindowQuery) => ({
  application: query.application,
  release: query.releaseId,
  from: epochMsOf(query.from),
  to: epochMsOf(query.to),
  unitsSince: epochMsOf(query.unitsSince),
  since: epochMsOf(query.conversationsSince),
  length: query.windowSeconds * 1_000,
});
