import type { ClickHouseClient } from "@clickhouse/client";
import { type Arm, epochMsOf, mergedBins } from "@sluice/contracts";
import * as Effect from "effect/Effect";
import { TelemetryError, type WindowQuery } from "../telemetry-store.ts";
import { messageOf } from "./connection.ts";
import { ABANDONED, ANSWERED, FAILED, OUTCOMES, outcome, REFUSED, readOutcome } from "./observation-counts.ts";

/** Bins in rising order, and their counts. */
type Bins = readonly [bins: ReadonlyArray<number>, counts: ReadonlyArray<number>];

export interface Counted {
  readonly window: number;
  readonly arm: Arm;
  readonly errors: number;
  readonly answered: number;
  readonly refusals: number;
  readonly bins: Bins;
}
export interface WindowCounts extends Counted {
  readonly requests: number;
  readonly wrong_digest: number;
}

const ofUsers = "application = {application:String} AND release_id = {release:String} AND role = 'user'";

const rolledUp = `
  SELECT toUnixTimestamp(minute) AS minute_at, arm, requests, errors, answered, refusals, wrong_digest, latency_bins, latency_counts
  FROM observations_by_minute FINAL
  WHERE ${ofUsers} AND minute >= toDateTime(intDiv({from:Int64}, 1000), 'UTC')
    AND minute < toDateTime(intDiv({to:Int64}, 1000), 'UTC')`;

interface Minute extends Omit<WindowCounts, "window" | "bins"> {
  readonly minute_at: number;
  readonly latency_bins: ReadonlyArray<number>;
  readonly latency_counts: ReadonlyArray<number>;
}

/**
 * Rows are counted by one number each: which window, which arm, whether by the right bundle, its latency bin and what became
 * of it. What the numbers say is looked at here: in ClickHouse it takes longer to plan than the rows take to be counted.
 */
const rawRows = `
  SELECT groupArray(encoded) AS numbers, groupArray(n) AS counts FROM (
    SELECT ((intDiv(toUInt64(toUnixTimestamp64Milli(ended_at) - {first:Int64}), {length:UInt64}) * 2 + (arm = 'candidate')) * 2
        + is_wrong_digest) * ${OUTCOMES} + ${outcome} AS encoded,
      toUInt32(count()) AS n
    FROM observations FINAL
    WHERE ${ofUsers} AND ended_at >= fromUnixTimestamp64Milli({from:Int64}) AND ended_at < fromUnixTimestamp64Milli({to:Int64})
    GROUP BY encoded
  )`;

interface Raw {
  readonly numbers: ReadonlyArray<number>;
  readonly counts: ReadonlyArray<number>;
}

/**
 * What all requests of each window and arm add up to; rows of empty ones are missing. Whole minutes before `bound` (epoch
 * milliseconds; 0: none) come from the rollup, the others from the raw rows. The bound is known before either is read: a late
 * row's mark is there before the row is, so what a minute of the rollup lacks had not been acknowledged by then.
 */
export const selectWindowCounts = Effect.fnUntraced(function* (
  client: ClickHouseClient,
  query: WindowQuery,
  bound: number,
): Effect.fn.Return<ReadonlyArray<WindowCounts>, TelemetryError> {
  const [from, to, length] = [epochMsOf(query.from), epochMsOf(query.to), query.windowSeconds * 1_000];
  const rawFrom = Math.min(to, Math.max(from, bound));
  const ofRelease = { application: query.application, release: query.releaseId };
  const minutes =
    from < rawFrom ? yield* selectRows<Minute>(client, rolledUp, { ...ofRelease, from, to: rawFrom }) : [];
  const first = Math.floor(rawFrom / length) * length;
  const [raw] =
    rawFrom < to ? yield* selectRows<Raw>(client, rawRows, { ...ofRelease, from: rawFrom, to, first, length }) : [];
  return merged([
    ...minutes.map((minute) => countsOfMinute(minute, length)),
    ...(raw ? countsOfNumbers(raw, first / length) : []),
  ]);
});

const countsOfMinute = (
  { minute_at, latency_bins, latency_counts, ...counts }: Minute,
  length: number,
): WindowCounts => ({
  ...counts,
  window: Math.floor((minute_at * 1_000) / length),
  bins: [latency_bins, latency_counts],
});

const countsOfNumbers = ({ numbers, counts }: Raw, firstWindow: number): ReadonlyArray<WindowCounts> => {
  const windows = new Map<number, Mutable<Omit<WindowCounts, "bins">> & { readonly bins: Map<number, number> }>();
  for (const [i, number] of numbers.entries()) {
    const n = counts[i] ?? 0;
    const place = Math.floor(number / (2 * OUTCOMES));
    const known =
      windows.get(place) ?? nothingAt(firstWindow + (place >> 1), place % 2 === 1 ? "candidate" : "baseline");
    windows.set(place, known);
    if (Math.floor(number / OUTCOMES) % 2 === 1) known.wrong_digest += n;
    const { state, bin } = readOutcome(number % OUTCOMES);
    if (state === ABANDONED) continue;
    known.requests += n;
    if (state === FAILED) known.errors += n;
    else known.bins.set(bin, (known.bins.get(bin) ?? 0) + n);
    if (state === ANSWERED || state === REFUSED) known.answered += n;
    if (state === REFUSED) known.refusals += n;
  }
  return [...windows.values()].map(({ bins, ...rest }) => {
    const rising = [...bins].sort(([a], [b]) => a - b);
    return { ...rest, bins: [rising.map(([bin]) => bin), rising.map(([, count]) => count)] };
  });
};

type Mutable<A> = { -readonly [K in keyof A]: A[K] };

const nothingAt = (window: number, arm: Arm) => ({
  window,
  arm,
  requests: 0,
  errors: 0,
  answered: 0,
  refusals: 0,
  wrong_digest: 0,
  bins: new Map<number, number>(),
});

/** A window may be of several minutes, some of them rolled up and some not. */
const merged = (rows: ReadonlyArray<WindowCounts>): ReadonlyArray<WindowCounts> => {
  const windows = new Map<string, WindowCounts>();
  for (const row of rows) {
    const key = `${row.window}/${row.arm}`;
    const known = windows.get(key);
    windows.set(key, known ? sumOf(known, row) : row);
  }
  return [...windows.values()];
};

const sumOf = (one: WindowCounts, other: WindowCounts): WindowCounts => {
  const bins = mergedBins([one, other].map(latencyBinsOf));
  return {
    ...one,
    requests: one.requests + other.requests,
    errors: one.errors + other.errors,
    answered: one.answered + other.answered,
    refusals: one.refusals + other.refusals,
    wrong_digest: one.wrong_digest + other.wrong_digest,
    bins: [bins.map(([bin]) => bin), bins.map(([, count]) => count)],
  };
};

export const latencyBinsOf = ({ bins: [bins, counts] }: Counted) =>
  bins.map((bin, i) => [bin, counts[i] ?? 0] as const);

export const selectRows = <Row>(client: ClickHouseClient, query: string, parameters: Record<string, unknown>) =>
  Effect.tryPromise({
    try: async () => (await client.query({ query, format: "JSONEachRow", query_params: parameters })).json<Row>(),
    catch: (cause) => new TelemetryError({ operation: "query", message: `windows: ${messageOf(cause)}` }),
  });
