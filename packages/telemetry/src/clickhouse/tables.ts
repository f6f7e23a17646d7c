/** Long enough to look into last month's regression; what must be kept longer belongs into an eval set. */
export const PAYLOAD_DAYS = 30;

const pairSideColumns = (arm: string): string => `${arm}_bundle String,
    ${arm}_status UInt16,
    ${arm}_error_class LowCardinality(String) COMMENT 'empty: answered',
    ${arm}_latency_ms Float64,
    ${arm}_time_to_first_token_ms Nullable(Float64),
    ${arm}_input_tokens Nullable(UInt32),
    ${arm}_output_tokens Nullable(UInt32),
    ${arm}_cost_usd Nullable(Float64) COMMENT 'null: tokens or price not known',
    ${arm}_finish_reason LowCardinality(String),
    ${arm}_refused Nullable(Bool)`;

/**
 * Tables as analysts see them (design §5). Every insert is idempotent by key: a redelivered record has the same key and
 * ReplacingMergeTree keeps one of the equals, with FINAL in the queries. Deduplication by insert token was the other way:
 * it needs the same rows in the same block, and a bus regroups batches when it delivers them again.
 *
 * `observations` is sorted by what the window query filters, so FINAL reads one release's range and nothing else.
 */
export const tables: ReadonlyArray<string> = [
  `CREATE TABLE IF NOT EXISTS observations (
    observation_id String,
    application LowCardinality(String),
    release_id String COMMENT 'release whose candidate was routed, on both arms; empty: none',
    arm LowCardinality(String),
    role LowCardinality(String) COMMENT 'user, shadow or probe; the canary judges user traffic only',
    assigned_bundle String,
    served_bundle String,
    cluster_key String COMMENT 'hash of conversation, user or request',
    gateway_id LowCardinality(String),
    started_at DateTime64(3, 'UTC'),
    ended_at DateTime64(3, 'UTC') COMMENT 'windows are formed by it',
    streamed Bool,
    status UInt16,
    error_class LowCardinality(String) COMMENT 'empty: answered',
    latency_ms Float64,
    latency_bin Int16 COMMENT 'bins grow by 4 %: upper edge 1.04 ^ bin ms',
    time_to_first_token_ms Nullable(Float64),
    input_tokens Nullable(UInt32),
    output_tokens Nullable(UInt32),
    finish_reason LowCardinality(String),
    refused Nullable(Bool)
  ) ENGINE = ReplacingMergeTree
  PARTITION BY toYYYYMM(ended_at)
  ORDER BY (application, release_id, ended_at, observation_id)
  TTL toDateTime(ended_at) + INTERVAL 180 DAY`,

  // What every window query would compute anew from long texts.
  `ALTER TABLE observations
    ADD COLUMN IF NOT EXISTS is_wrong_digest Bool MATERIALIZED served_bundle != assigned_bundle,
    ADD COLUMN IF NOT EXISTS cluster_hash UInt64 MATERIALIZED cityHash64(cluster_key)`,

  `ALTER TABLE observations
    ADD COLUMN IF NOT EXISTS cost_usd Nullable(Float64) COMMENT 'by the price table of who served it; null: tokens or price not known'`,

  // Figures of both answers to one mirrored request, for analysts, who see no texts.
  `CREATE TABLE IF NOT EXISTS shadow_measurements (
    pair_id String,
    application LowCardinality(String),
    release_id String,
    gateway_id LowCardinality(String),
    at DateTime64(3, 'UTC'),
    cluster_key String COMMENT 'hash of conversation, user or request',
    ${["baseline", "candidate"].map(pairSideColumns).join(",\n    ")},
    tool_divergence LowCardinality(String) COMMENT 'other-tool, other-arguments, missing-call or extra-call; empty: the same calls, or none',
    tool_divergence_turn Nullable(UInt32) COMMENT 'answers of the assistant before this one in the conversation',
    tool_divergence_call Nullable(UInt32) COMMENT 'index of the first call that differs'
  ) ENGINE = ReplacingMergeTree
  PARTITION BY toYYYYMM(at)
  ORDER BY (application, release_id, at, pair_id)
  TTL toDateTime(at) + INTERVAL 180 DAY`,

  `CREATE TABLE IF NOT EXISTS judgements (
    judgement_id String,
    type LowCardinality(String),
    application LowCardinality(String),
    release_id String,
    judge String,
    at DateTime64(3, 'UTC'),
    window_at DateTime64(3, 'UTC') COMMENT 'the end of the judged observation, else at',
    subject String COMMENT 'observation, pair or probe',
    arm LowCardinality(String) COMMENT 'empty for pairs and probes',
    score Nullable(Float64) COMMENT 'of a response, or of the candidate in a pair',
    baseline_score Nullable(Float64) COMMENT 'of the baseline in a pair',
    case_id String,
    passed Nullable(Bool),
    confirmed Bool,
    error String
  ) ENGINE = ReplacingMergeTree
  PARTITION BY toYYYYMM(window_at)
  ORDER BY (application, release_id, window_at, judgement_id)
  TTL toDateTime(window_at) + INTERVAL 365 DAY`,

  `CREATE TABLE IF NOT EXISTS release_events (
    event_id String,
    application LowCardinality(String),
    release_id String,
    type LowCardinality(String),
    at DateTime64(3, 'UTC'),
    accepted Bool COMMENT 'false: the fold refused it and nothing changed',
    author_id String,
    author_role LowCardinality(String),
    team LowCardinality(String),
    reason String,
    step Nullable(UInt16),
    share Nullable(Float64),
    cause LowCardinality(String),
    sentence String,
    since Nullable(DateTime64(3, 'UTC')),
    pinned_at Nullable(DateTime64(3, 'UTC')),
    merged_at Nullable(DateTime64(3, 'UTC')),
    shadow_hold_seconds Nullable(Float64),
    step_hold_seconds Array(Float64),
    payload String
  ) ENGINE = ReplacingMergeTree
  ORDER BY (application, release_id, event_id, accepted)`,

  // One row per gateway and application: the highest \`through\` wins.
  `CREATE TABLE IF NOT EXISTS gateway_batches (
    application LowCardinality(String),
    gateway_id String,
    through DateTime64(3, 'UTC')
  ) ENGINE = ReplacingMergeTree(through)
  ORDER BY (application, gateway_id)`,

  `ALTER TABLE gateway_batches
    ADD COLUMN IF NOT EXISTS topic_partition Nullable(UInt32) COMMENT 'of the observations topic',
    ADD COLUMN IF NOT EXISTS topic_offset Nullable(UInt64) COMMENT 'of the batch that brought this watermark'`,

  `CREATE OR REPLACE VIEW ingest_watermarks AS
    SELECT topic_partition, max(topic_offset) AS offset, count() AS gateways, min(through) AS through_min, max(through) AS through_max
    FROM gateway_batches FINAL WHERE topic_partition IS NOT NULL
    GROUP BY topic_partition ORDER BY topic_partition`,

  // Texts have tables of their own: analysts read the figures beside them and no text. Whole rows go, because without their texts
  // they say nothing.
  `CREATE TABLE IF NOT EXISTS observation_texts (
    observation_id String,
    application LowCardinality(String),
    release_id String,
    ended_at DateTime64(3, 'UTC'),
    cluster_key String COMMENT 'hash of conversation, user or request',
    input String COMMENT 'sampled and redacted' CODEC(ZSTD(1)),
    output String COMMENT 'sampled and redacted' CODEC(ZSTD(1))
  ) ENGINE = ReplacingMergeTree
  PARTITION BY toYYYYMM(ended_at)
  ORDER BY (application, release_id, ended_at, observation_id)
  TTL toDateTime(ended_at) + INTERVAL ${PAYLOAD_DAYS} DAY`,

  `CREATE TABLE IF NOT EXISTS shadow_pairs (
    pair_id String,
    application LowCardinality(String),
    release_id String,
    at DateTime64(3, 'UTC'),
    gateway_id LowCardinality(String),
    cluster_key String COMMENT 'hash of conversation, user or request',
    input String COMMENT 'redacted' CODEC(ZSTD(1)),
    baseline_output String COMMENT 'redacted' CODEC(ZSTD(1)),
    candidate_output String COMMENT 'redacted' CODEC(ZSTD(1)),
    baseline_error_class LowCardinality(String) COMMENT 'empty: answered',
    candidate_error_class LowCardinality(String) COMMENT 'empty: answered',
    baseline_latency_ms Float64,
    candidate_latency_ms Float64,
    tool_divergence LowCardinality(String) COMMENT 'how the candidate called other tools; empty: it did not'
  ) ENGINE = ReplacingMergeTree
  PARTITION BY toYYYYMM(at)
  ORDER BY (application, release_id, at, pair_id)
  TTL toDateTime(at) + INTERVAL ${PAYLOAD_DAYS} DAY`,

  // Scores of rows from before count one by one.
  `ALTER TABLE judgements ADD COLUMN IF NOT EXISTS cluster_key String DEFAULT subject
    COMMENT 'of the judged observation or pair; the observation itself where nobody said it'`,
];
