/**
 * The rollup is a cache of raw minutes and never a source of truth: no materialised view feeds it, because a kill between the
 * table and its view would skew it for ever, and a redelivered row would count twice. A minute is computed as a whole from
 * the deduplicated rows and replaces what was there. Up to a bound (`rollup_bounds`) it is complete; later minutes are read raw.
 * Whoever inserts a row into a minute that may be rolled up already marks that minute first, which takes the bound back until
 * the minute has been computed again: late rows, crashes and several writers all come to this one rule.
 */
export const rollupTables: ReadonlyArray<string> = [
  `CREATE TABLE IF NOT EXISTS observations_by_minute (
    minute DateTime('UTC'),
    application LowCardinality(String),
    release_id LowCardinality(String),
    arm LowCardinality(String),
    role LowCardinality(String),
    requests UInt32 COMMENT 'without those whose client left',
    errors UInt32,
    answered UInt32 COMMENT 'answers of which it is known whether they refuse',
    refusals UInt32,
    abandoned UInt32 COMMENT 'the client left before the answer',
    wrong_digest UInt32,
    latency_bins Array(Int16) COMMENT 'of answered requests; bins grow by 4 %',
    latency_counts Array(UInt32),
    latency_state AggregateFunction(quantilesDD(0.01, 0.5, 0.95, 0.99), Float64),
    first_token_state AggregateFunction(quantilesDD(0.01, 0.5, 0.95, 0.99), Float64),
    input_tokens UInt64,
    output_tokens UInt64,
    rolled_at DateTime64(6, 'UTC')
  ) ENGINE = ReplacingMergeTree(rolled_at)
  PARTITION BY toYYYYMM(minute)
  ORDER BY (minute, application, release_id, arm, role)
  TTL minute + INTERVAL 180 DAY
  SETTINGS index_granularity = 128`,

  `ALTER TABLE observations_by_minute
    ADD COLUMN IF NOT EXISTS cost_usd Float64 COMMENT 'of the priced requests together',
    ADD COLUMN IF NOT EXISTS priced UInt32 COMMENT 'requests of which the cost is known'`,

  // A few rows come in each minute, and a window query opens every part: twelve small ones double its time. So two of a size are
  // merged already, not only five; that costs little, because the table is small.
  "ALTER TABLE observations_by_minute MODIFY SETTING merge_selector_base = 2",

  // Progress and marks in one table: on a server every window query asks for the bound, and each table that it opens costs time.
  `CREATE TABLE IF NOT EXISTS rollup_bounds (
    application LowCardinality(String),
    is_mark Bool COMMENT 'true: from the minute on the rollup may lack rows; false: every minute before it is rolled up',
    minute DateTime('UTC'),
    at DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'of a mark when it was written, else when the pass began'
  ) ENGINE = ReplacingMergeTree(at)
  ORDER BY (application, is_mark, if(is_mark, minute, toDateTime(0, 'UTC')))
  TTL toDateTime(at) + INTERVAL 30 DAY DELETE WHERE is_mark`,

  `CREATE OR REPLACE VIEW observation_minutes AS
    SELECT minute, application, release_id, arm, role, requests, errors, answered, refusals, abandoned, wrong_digest,
      finalizeAggregation(latency_state) AS latency_ms_p50_p95_p99,
      finalizeAggregation(first_token_state) AS first_token_ms_p50_p95_p99,
      input_tokens, output_tokens, cost_usd, priced
    FROM observations_by_minute FINAL`,
];
