import { type Observation, type ObservationsRecorded, timestampOf } from "@sluice/contracts";

/** A day of simulated traffic of one release, made inside ClickHouse: no client could send it in the time of a benchmark. */
export const dayOfTraffic = (
  endMs: number,
  rows: { readonly from: number; readonly to: number; readonly all: number },
) => `
  INSERT INTO observations (observation_id, application, release_id, arm, role, assigned_bundle, served_bundle, cluster_key,
    gateway_id, started_at, ended_at, streamed, status, error_class, latency_ms, latency_bin, time_to_first_token_ms,
    input_tokens, output_tokens, finish_reason, refused)
  SELECT hex(number) AS observation_id, 'support-bot', 'rel-1', if(sipHash64(number, 1) % 4 = 0, 'candidate', 'baseline') AS arm,
    'user', concat('sha256:', repeat(if(arm = 'candidate', 'b', 'a'), 64)) AS bundle, bundle,
    hex(sipHash64(intDiv(number, 3))), concat('gw-', toString(number % 4)),
    ended_at, fromUnixTimestamp64Milli(toInt64(${endMs - 86_400_000} + intDiv(number * 86400000, ${rows.all}))) AS ended_at,
    number % 2 = 0, if(failed, 500, 200), if(sipHash64(number, 2) % 100 = 0 AS failed, 'upstream-5xx', '') AS error_class,
    exp(6 + randNormal(0, 0.5)) AS latency_ms, toInt16(ceil(log(greatest(latency_ms, 1)) / log(1.04))),
    latency_ms / 4, 400, 150, 'stop', if(failed, NULL, sipHash64(number, 3) % 50 = 0)
  FROM numbers_mt(${rows.from}, ${rows.to - rows.from}) SETTINGS max_insert_threads = 2`;

const text = (bytes: number) => "The quick brown fox jumps over the lazy dog. ".repeat(bytes / 45 + 1).slice(0, bytes);

let sequence = 0;

/** A batch as a gateway publishes it; each observation with 1 KB of text. */
export const batchOfPayloads = (application: string, observations: number, nowMs: number): ObservationsRecorded => {
  const payload = { input: text(400), output: text(624) };
  const rows = Array.from(
    { length: observations },
    (_, i): Observation => ({
      observationId: `bench-${++sequence}`,
      application,
      releaseId: "rel-1",
      arm: i % 4 === 0 ? "candidate" : "baseline",
      role: "user",
      assignedBundle: `sha256:${"a".repeat(64)}`,
      servedBundle: `sha256:${"a".repeat(64)}`,
      clusterKey: `cluster-${sequence % 10_000}`,
      gatewayId: "gw-1",
      startedAt: timestampOf(nowMs - 400),
      endedAt: timestampOf(nowMs - (i % 1_000)),
      streamed: true,
      status: 200,
      errorClass: null,
      latencyMs: 250 + (i % 700),
      timeToFirstTokenMs: 120,
      inputTokens: 400,
      outputTokens: 150,
      finishReason: "stop",
      refused: false,
      payload: { input: `${sequence} ${payload.input}`, output: `${sequence} ${payload.output}` },
    }),
  );
  return {
    _tag: "ObservationsRecorded",
    batchId: `gw-1/${sequence}`,
    gatewayId: "gw-1",
    application,
    through: timestampOf(nowMs),
    observations: rows,
  };
};
