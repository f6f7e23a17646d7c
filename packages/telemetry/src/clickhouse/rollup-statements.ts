import { hasAnswer, abandoned as isAbandoned, observationCounts } from "./observation-counts.ts";

export const MINUTE_MS = 60_000;

const ofApplication = "application = {application:String}";
const observedBetween = `${ofApplication} AND ended_at >= fromUnixTimestamp64Milli({from:Int64})
    AND ended_at < fromUnixTimestamp64Milli({to:Int64})`;
const minuteOf = (name: string) => `toDateTime(intDiv({${name}:Int64}, 1000), 'UTC')`;
/** Every progress row of one pass carries the same \`began_at\`: the furthest of the latest pass is the one that holds. */
const last = "argMax(through, (began_at, through)) AS last_through, max(began_at) AS last_began";
const epochMs = (instant: string) => `toUnixTimestamp(${instant}) * 1000`;

const lastProgress = `(SELECT (last_through, last_began) FROM (SELECT ${last} FROM rollup_progress WHERE ${ofApplication}))`;
const through = epochMs("least(progress.1, ifNull(minOrNull(minute), progress.1))");
const marksThatCount = `rollup_marks
    WHERE ${ofApplication} AND marked_at >= subtractMilliseconds(progress.2, {settleMs:UInt32})`;

/** Up to where the rollup is complete, within a statement of its own parameters. */
export const rolledThrough = `(WITH ${lastProgress} AS progress SELECT ${through} FROM ${marksThatCount})`;

export const rollupStatements = {
  /** Times in epoch milliseconds by the server's clock; `marked_first` and `marked_last` are null without marks that count. */
  state: `WITH ${lastProgress} AS progress
    SELECT ${through} AS through,
      toUnixTimestamp64Milli(minOrNull(marked_at)) AS marked_first,
      toUnixTimestamp64Milli(maxOrNull(marked_at)) AS marked_last,
      toUnixTimestamp64Milli(now64(3)) AS now
    FROM ${marksThatCount}`,

  applications: "SELECT DISTINCT application FROM gateway_batches",

  firstObservation: `SELECT toUnixTimestamp64Milli(minOrNull(ended_at)) AS first FROM observations WHERE ${observedBetween}`,

  rollUp: `INSERT INTO observations_by_minute
    SELECT minute, {application:String}, release_id, arm, role, requests, errors, answered, refusals, abandoned, wrong_digest,
      bins.1, bins.2, latency_state, first_token_state, input_tokens, output_tokens, now64(6)
    FROM (
      SELECT toStartOfMinute(ended_at) AS minute, release_id, arm, role, ${observationCounts},
        toUInt32(countIf(${isAbandoned})) AS abandoned,
        quantilesDDStateIf(0.01, 0.5, 0.95, 0.99)(latency_ms, ${hasAnswer}) AS latency_state,
        quantilesDDStateIf(0.01, 0.5, 0.95, 0.99)(time_to_first_token_ms, ${hasAnswer}) AS first_token_state,
        sum(ifNull(input_tokens, 0)) AS input_tokens, sum(ifNull(output_tokens, 0)) AS output_tokens
      FROM observations FINAL WHERE ${observedBetween}
      GROUP BY minute, release_id, arm, role
    )`,

  progress: `INSERT INTO rollup_progress (application, through, began_at)
    SELECT {application:String}, ${minuteOf("through")}, fromUnixTimestamp64Milli({began:Int64})`,

  mark: `INSERT INTO rollup_marks (application, minute) SELECT {application:String}, ${minuteOf("minute")}`,

  /** What a process that died may have been at is computed again. */
  repair: `INSERT INTO rollup_marks (application, minute)
    SELECT application, subtractSeconds(greatest(last_through, toDateTime({repairSeconds:UInt32}, 'UTC')), {repairSeconds:UInt32})
    FROM (SELECT application, ${last} FROM rollup_progress GROUP BY application)`,
} as const;
