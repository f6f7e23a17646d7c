import { hasAnswer, abandoned as isAbandoned, observationCounts } from "./observation-counts.ts";

export const MINUTE_MS = 60_000;

const ofApplication = "application = {application:String}";
const observedBetween = `${ofApplication} AND ended_at >= fromUnixTimestamp64Milli({from:Int64})
    AND ended_at < fromUnixTimestamp64Milli({to:Int64})`;
const minuteOf = (name: string) => `toDateTime(intDiv({${name}:Int64}, 1000), 'UTC')`;
/** Every progress row of one pass carries the same time: the furthest of the latest pass is the one that holds. */
const last = "argMaxIf(minute, (at, minute), NOT is_mark)";
/** Marks written before the latest pass began have been seen by it, but for those whose rows were still on their way. */
const bound = `maxIf(at, NOT is_mark) AS began,
    arrayFilter(mark -> mark.1 >= subtractMilliseconds(began, {settleMs:UInt32}), groupArrayIf((at, minute), is_mark)) AS marks,
    toUnixTimestamp(arrayMin(arrayPushBack(marks.2, ${last}))) * 1000 AS through`;
const ofBounds = `rollup_bounds WHERE ${ofApplication}`;

export const rollupStatements = {
  /** Up to where the rollup is complete (`through`). Times in epoch milliseconds by the server's clock; `marked_first` and `marked_last` are null without marks that count. */
  state: `WITH ${bound}
    SELECT through,
      if(empty(marks), NULL, toUnixTimestamp64Milli(arrayMin(marks.1))) AS marked_first,
      if(empty(marks), NULL, toUnixTimestamp64Milli(arrayMax(marks.1))) AS marked_last,
      toUnixTimestamp64Milli(now64(3)) AS now
    FROM ${ofBounds}`,

  applications: "SELECT DISTINCT application FROM gateway_batches",

  /** The least watermark of the gateways that were heard since `from`, in epoch milliseconds; null: none was. */
  closed: `SELECT toUnixTimestamp64Milli(minOrNull(last)) AS through
    FROM (SELECT max(through) AS last FROM gateway_batches WHERE ${ofApplication} GROUP BY gateway_id)
    WHERE last > fromUnixTimestamp64Milli({from:Int64})`,

  firstObservation: `SELECT toUnixTimestamp64Milli(minOrNull(ended_at)) AS first FROM observations WHERE ${observedBetween}`,

  rollUp: `INSERT INTO observations_by_minute (minute, application, release_id, arm, role, requests, errors, answered, refusals,
      abandoned, wrong_digest, latency_bins, latency_counts, latency_state, first_token_state, input_tokens, output_tokens,
      cost_usd, priced, rolled_at)
    SELECT minute, {application:String}, release_id, arm, role, requests, errors, answered, refusals, abandoned, wrong_digest,
      bins.1, bins.2, latency_state, first_token_state, input_tokens, output_tokens, cost_usd, priced, now64(6)
    FROM (
      SELECT toStartOfMinute(ended_at) AS minute, release_id, arm, role, ${observationCounts},
        toUInt32(countIf(${isAbandoned})) AS abandoned,
        quantilesDDStateIf(0.01, 0.5, 0.95, 0.99)(latency_ms, ${hasAnswer}) AS latency_state,
        quantilesDDStateIf(0.01, 0.5, 0.95, 0.99)(time_to_first_token_ms, ${hasAnswer}) AS first_token_state,
        sum(ifNull(input_tokens, 0)) AS input_tokens, sum(ifNull(output_tokens, 0)) AS output_tokens,
        sum(ifNull(observations.cost_usd, 0)) AS cost_usd, toUInt32(count(observations.cost_usd)) AS priced
      FROM observations FINAL WHERE ${observedBetween}
      GROUP BY minute, release_id, arm, role
    )`,

  progress: `INSERT INTO rollup_bounds (application, is_mark, minute, at)
    SELECT {application:String}, false, ${minuteOf("through")}, fromUnixTimestamp64Milli({began:Int64})`,

  mark: `INSERT INTO rollup_bounds (application, is_mark, minute) SELECT {application:String}, true, ${minuteOf("minute")}`,

  /** What a process that died may have been at is computed again. */
  repair: `INSERT INTO rollup_bounds (application, is_mark, minute)
    SELECT application, true, subtractSeconds(greatest(last, toDateTime({repairSeconds:UInt32}, 'UTC')), {repairSeconds:UInt32})
    FROM (SELECT application, ${last} AS last FROM rollup_bounds GROUP BY application)`,
} as const;
