import type { ClickHouseClient } from "@clickhouse/client";
import {
  epochMsOf,
  type JudgementEvent,
  latencyBinOf,
  type ObservationsRecorded,
  type PairSide,
  type ShadowPairRecorded,
} from "@sluice/contracts";
import * as Effect from "effect/Effect";
import { areTextsKept } from "../kept-pairs.ts";
import { releaseEventRow } from "../release-event-row.ts";
import { type BatchSource, type RecordedReleaseEvent, TelemetryError } from "../telemetry-store.ts";
import { messageOf } from "./connection.ts";

type Row = ReadonlyArray<unknown>;

/** Larger blocks stop the event loop of an embedded ClickHouse for longer than 22 ms. */
const ROWS_PER_INSERT = 2_000;

/** Arrays beat objects by 40 %; a time given as a number must be integer milliseconds. */
const insertRows = (
  client: ClickHouseClient,
  table: string,
  columns: ReadonlyArray<string>,
  rows: ReadonlyArray<Row>,
) =>
  Effect.forEach(
    blocksOf(rows),
    (values) =>
      Effect.tryPromise({
        try: () =>
          client.insert({
            table,
            columns: [columns[0] ?? "", ...columns.slice(1)],
            values,
            format: "JSONCompactEachRow",
          }),
        catch: (cause) =>
          new TelemetryError({
            operation: "insert",
            message: `insert into ${table}: ${withoutValues(messageOf(cause))}`,
          }),
      }),
    { discard: true },
  );

/** What ClickHouse cannot read it quotes, and that may be what a user wrote: this goes to a log. */
const withoutValues = (message: string): string => message.replace(/\s['"`].*$/u, " …");

const blocksOf = (rows: ReadonlyArray<Row>): ReadonlyArray<Array<Row>> =>
  Array.from({ length: Math.ceil(rows.length / ROWS_PER_INSERT) }, (_, i) =>
    rows.slice(i * ROWS_PER_INSERT, (i + 1) * ROWS_PER_INSERT),
  );

const observationColumns = [
  "observation_id",
  "application",
  "release_id",
  "arm",
  "role",
  "assigned_bundle",
  "served_bundle",
  "cluster_key",
  "gateway_id",
  "started_at",
  "ended_at",
  "streamed",
  "status",
  "error_class",
  "latency_ms",
  "latency_bin",
  "time_to_first_token_ms",
  "input_tokens",
  "output_tokens",
  "finish_reason",
  "refused",
  "cost_usd",
];

const observationRows = (batch: ObservationsRecorded): ReadonlyArray<Row> =>
  batch.observations.map((o) => [
    o.observationId,
    o.application,
    o.releaseId ?? "",
    o.arm,
    o.role,
    o.assignedBundle,
    o.servedBundle,
    o.clusterKey,
    o.gatewayId,
    epochMsOf(o.startedAt),
    epochMsOf(o.endedAt),
    o.streamed,
    o.status,
    o.errorClass ?? "",
    o.latencyMs,
    latencyBinOf(o.latencyMs),
    o.timeToFirstTokenMs,
    o.inputTokens,
    o.outputTokens,
    o.finishReason ?? "",
    o.refused,
    o.costUsd ?? null,
  ]);

const textColumns = ["observation_id", "application", "release_id", "ended_at", "cluster_key", "input", "output"];

const textRows = (batch: ObservationsRecorded): ReadonlyArray<Row> =>
  batch.observations.flatMap((o) =>
    o.payload
      ? [
          [
            o.observationId,
            o.application,
            o.releaseId ?? "",
            epochMsOf(o.endedAt),
            o.clusterKey,
            o.payload.input,
            o.payload.output,
          ],
        ]
      : [],
  );

/** The watermarks follow the rows: what they promise is there, also when the process dies between the two. */
export const insertObservations = (
  client: ClickHouseClient,
  batches: ReadonlyArray<ObservationsRecorded>,
  source: BatchSource | undefined,
) =>
  Effect.all(
    [
      insertRows(client, "observations", observationColumns, batches.flatMap(observationRows)),
      insertRows(client, "observation_texts", textColumns, batches.flatMap(textRows)),
      insertRows(client, "gateway_batches", watermarkColumns, watermarkRows(batches, source)),
    ],
    { discard: true },
  );

const watermarkColumns = ["application", "gateway_id", "through", "topic_partition", "topic_offset"];

const watermarkRows = (
  batches: ReadonlyArray<ObservationsRecorded>,
  source: BatchSource | undefined,
): ReadonlyArray<Row> => {
  const highest = new Map<string, ObservationsRecorded>();
  for (const batch of batches) {
    const key = JSON.stringify([batch.application, batch.gatewayId]);
    if ((highest.get(key)?.through ?? "") < batch.through) highest.set(key, batch);
  }
  const { partition = null, offset = null } = source ?? {};
  return [...highest.values()].map((b) => [b.application, b.gatewayId, epochMsOf(b.through), partition, offset]);
};

const pairColumns = [
  "pair_id",
  "application",
  "release_id",
  "at",
  "gateway_id",
  "cluster_key",
  "input",
  "baseline_output",
  "candidate_output",
  "baseline_error_class",
  "candidate_error_class",
  "baseline_latency_ms",
  "candidate_latency_ms",
  "tool_divergence",
];

const pairRow = (p: ShadowPairRecorded): Row => [
  p.pairId,
  p.application,
  p.releaseId,
  epochMsOf(p.at),
  p.gatewayId,
  p.clusterKey,
  p.input,
  p.baseline.output,
  p.candidate.output,
  p.baseline.errorClass ?? "",
  p.candidate.errorClass ?? "",
  p.baseline.latencyMs,
  p.candidate.latencyMs,
  p.toolDivergence?.kind ?? "",
];

const pairSideColumns = [
  "bundle",
  "status",
  "error_class",
  "latency_ms",
  "time_to_first_token_ms",
  "input_tokens",
  "output_tokens",
  "cost_usd",
  "finish_reason",
  "refused",
];
const measurementColumns = [
  "pair_id",
  "application",
  "release_id",
  "gateway_id",
  "at",
  "cluster_key",
  ...pairSideColumns.map((column) => `baseline_${column}`),
  ...pairSideColumns.map((column) => `candidate_${column}`),
  "tool_divergence",
  "tool_divergence_turn",
  "tool_divergence_call",
];

const pairSide = (side: PairSide): Row => [
  side.bundle,
  side.status,
  side.errorClass ?? "",
  side.latencyMs,
  side.timeToFirstTokenMs,
  side.inputTokens,
  side.outputTokens,
  side.costUsd ?? null,
  side.finishReason ?? "",
  side.refused,
];

const measurementRow = ({ toolDivergence = null, ...pair }: ShadowPairRecorded): Row => [
  pair.pairId,
  pair.application,
  pair.releaseId,
  pair.gatewayId,
  epochMsOf(pair.at),
  pair.clusterKey,
  ...pairSide(pair.baseline),
  ...pairSide(pair.candidate),
  toolDivergence?.kind ?? "",
  toolDivergence?.turn ?? null,
  toolDivergence?.call ?? null,
];

/** Figures of all for analysts; texts of those that may be kept for people who may read them. */
export const insertPairs = (client: ClickHouseClient, pairs: ReadonlyArray<ShadowPairRecorded>) =>
  Effect.andThen(
    insertRows(client, "shadow_measurements", measurementColumns, pairs.map(measurementRow)),
    insertRows(client, "shadow_pairs", pairColumns, pairs.filter(areTextsKept).map(pairRow)),
  );

const judgementColumns = [
  "judgement_id",
  "type",
  "application",
  "release_id",
  "judge",
  "at",
  "window_at",
  "subject",
  "arm",
  "score",
  "baseline_score",
  "case_id",
  "passed",
  "confirmed",
  "error",
  "cluster_key",
];

const judgementRow = (j: JudgementEvent): Row => {
  const head = [j.judgementId, j._tag, j.application, j.releaseId, j.judge, epochMsOf(j.at)];
  const error = j.error ?? "";
  switch (j._tag) {
    case "PairJudged":
      return [
        ...head,
        epochMsOf(j.at),
        j.pairId,
        "",
        j.candidateScore,
        j.baselineScore,
        "",
        null,
        false,
        error,
        j.clusterKey,
      ];
    case "ResponseJudged": {
      const cluster = j.clusterKey ?? j.observationId;
      return [...head, epochMsOf(j.endedAt), j.observationId, j.arm, j.score, null, "", null, false, error, cluster];
    }
    case "SafetyProbeJudged":
      return [...head, epochMsOf(j.at), j.probeId, "", null, null, j.caseId, j.passed, j.confirmed, error, ""];
  }
};

export const insertJudgements = (client: ClickHouseClient, judgements: ReadonlyArray<JudgementEvent>) =>
  insertRows(client, "judgements", judgementColumns, judgements.map(judgementRow));

export const insertReleaseEvents = (client: ClickHouseClient, events: ReadonlyArray<RecordedReleaseEvent>) => {
  const rows = events.map(releaseEventRow);
  return insertRows(client, "release_events", Object.keys(rows[0] ?? {}), rows.map(Object.values));
};
