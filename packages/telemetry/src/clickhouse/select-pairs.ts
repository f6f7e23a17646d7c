import type { ClickHouseClient } from "@clickhouse/client";
import { type ErrorClass, type ShadowPair, timestampOf } from "@sluice/contracts";
import * as Effect from "effect/Effect";
import { type KeptPairs, type PairQuery, TelemetryError } from "../telemetry-store.ts";
import { messageOf } from "./connection.ts";

const ofRelease = "application = {application:String} AND release_id = {release:String}";

const counted = `SELECT toUInt32(uniqExact(pair_id)) AS kept FROM shadow_pairs WHERE ${ofRelease}`;

/** Without scores last: 2 is more than any difference of scores. */
const selected = `SELECT pair_id, toUnixTimestamp64Milli(pairs.at) AS at_ms, input, baseline_output, candidate_output,
    baseline_error_class, candidate_error_class, baseline_latency_ms, candidate_latency_ms, tool_divergence,
    notEmpty(subject) AS is_judged, baseline_score, score, error
  FROM (SELECT * FROM shadow_pairs FINAL WHERE ${ofRelease}) AS pairs
  LEFT JOIN (
    SELECT subject, baseline_score, score, error FROM judgements FINAL WHERE ${ofRelease} AND type = 'PairJudged'
  ) AS judged ON judged.subject = pairs.pair_id
  ORDER BY coalesce(score - baseline_score, 2), at_ms DESC, pair_id LIMIT {limit:UInt32}`;

interface Row {
  readonly pair_id: string;
  readonly at_ms: number | string;
  readonly input: string;
  readonly baseline_output: string;
  readonly candidate_output: string;
  readonly baseline_error_class: string;
  readonly candidate_error_class: string;
  readonly baseline_latency_ms: number;
  readonly candidate_latency_ms: number;
  readonly tool_divergence: string;
  readonly is_judged: boolean | number;
  readonly baseline_score: number | null;
  readonly score: number | null;
  readonly error: string;
}

/** The kept pairs of a release with what the judge said. */
export const selectPairs = Effect.fn("selectPairs")(function* (client: ClickHouseClient, query: PairQuery) {
  const { application, releaseId, limit } = query;
  const rows = <A>(sql: string) =>
    Effect.tryPromise({
      try: async () => {
        const query_params = { application, release: releaseId, limit };
        return (await client.query({ query: sql, format: "JSONEachRow", query_params })).json<A>();
      },
      catch: (cause) => new TelemetryError({ operation: "query", message: `pairs: ${messageOf(cause)}` }),
    });
  const [total] = yield* rows<{ readonly kept: number }>(counted);
  const pairs = yield* rows<Row>(selected);
  return { kept: total?.kept ?? 0, pairs: pairs.map(pairOf) } satisfies KeptPairs;
});

const pairOf = (row: Row): ShadowPair => ({
  pairId: row.pair_id,
  at: timestampOf(Number(row.at_ms)),
  input: row.input,
  baseline: {
    output: row.baseline_output,
    errorClass: errorClassOf(row.baseline_error_class),
    latencyMs: row.baseline_latency_ms,
  },
  candidate: {
    output: row.candidate_output,
    errorClass: errorClassOf(row.candidate_error_class),
    latencyMs: row.candidate_latency_ms,
  },
  toolDivergence: row.tool_divergence === "" ? null : (row.tool_divergence as ShadowPair["toolDivergence"]),
  judgement: row.is_judged
    ? { baselineScore: row.baseline_score, candidateScore: row.score, error: row.error === "" ? null : row.error }
    : null,
});

/** As it was written: from the contract's literals. */
const errorClassOf = (written: string): ErrorClass | null => (written === "" ? null : (written as ErrorClass));
