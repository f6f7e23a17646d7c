import type { Arm, Observation } from "@sluice/contracts";
import { CLIENT_GONE_STATUS } from "../domain/outcome.ts";

/** Upper edges in milliseconds: from a cached embedding to a long answer. */
const LATENCY_EDGES_MS = [5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000] as const;

class Histogram {
  readonly counts = new Array<number>(LATENCY_EDGES_MS.length + 1).fill(0);
  sumMs = 0;
  total = 0;

  add(ms: number): void {
    const edge = LATENCY_EDGES_MS.findIndex((edgeMs) => ms <= edgeMs);
    const bin = edge === -1 ? LATENCY_EDGES_MS.length : edge;
    this.counts[bin] = (this.counts[bin] ?? 0) + 1;
    this.sumMs += ms;
    this.total += 1;
  }
}

class ArmCounts {
  readonly byEnd = new Map<string, number>();
  readonly latency = new Histogram();
  readonly firstToken = new Histogram();
  inputTokens = 0;
  outputTokens = 0;
}

/** Counters of the data plane. Labels are applications and arms, whose number is bounded by the routing. */
export class Metrics {
  readonly #arms = new Map<string, { application: string; arm: Arm; counts: ArmCounts }>();
  /** Requests that reached no arm, by status. */
  readonly #turnedAway = new Map<number, number>();
  /** Requests kept from a candidate that nobody watched. */
  unwatched = 0;
  staleRoutings = 0;
  publishFailures = 0;

  served(observation: Observation): void {
    const { application, arm, status, errorClass, latencyMs, timeToFirstTokenMs } = observation;
    const key = `${application}/${arm}`;
    let entry = this.#arms.get(key);
    if (!entry) {
      entry = { application, arm, counts: new ArmCounts() };
      this.#arms.set(key, entry);
    }
    const { counts } = entry;
    const end = errorClass ?? (status === CLIENT_GONE_STATUS ? "client-gone" : "answered");
    counts.byEnd.set(end, (counts.byEnd.get(end) ?? 0) + 1);
    // How long a client waited before it left is no latency of the arm.
    if (end === "client-gone") return;
    counts.latency.add(latencyMs);
    if (timeToFirstTokenMs !== null) counts.firstToken.add(timeToFirstTokenMs);
    counts.inputTokens += observation.inputTokens ?? 0;
    counts.outputTokens += observation.outputTokens ?? 0;
  }

  turnedAway(status: number): void {
    this.#turnedAway.set(status, (this.#turnedAway.get(status) ?? 0) + 1);
  }

  /** Prometheus text. `more` are gauges and counters that live elsewhere. */
  format(more: ReadonlyArray<Sample>): string {
    const requests: Array<Sample> = [];
    const latencies: Array<string> = ["# TYPE sluice_gateway_request_seconds histogram"];
    // OpenTelemetry's names where it has them; the model that callers name is the application.
    const firstTokens: Array<string> = ["# TYPE gen_ai_server_time_to_first_token_seconds histogram"];
    for (const { application, arm, counts } of this.#arms.values()) {
      for (const [end, value] of counts.byEnd) {
        requests.push(counter("sluice_gateway_requests_total", value, { application, arm, end }));
      }
      latencies.push(...histogramLines("sluice_gateway_request_seconds", { application, arm }, counts.latency));
      const model = { gen_ai_request_model: application, arm };
      firstTokens.push(...histogramLines("gen_ai_server_time_to_first_token_seconds", model, counts.firstToken));
      requests.push(
        counter("gen_ai_client_token_usage_total", counts.inputTokens, { ...model, gen_ai_token_type: "input" }),
        counter("gen_ai_client_token_usage_total", counts.outputTokens, { ...model, gen_ai_token_type: "output" }),
      );
    }
    for (const [status, value] of this.#turnedAway) {
      requests.push(counter("sluice_gateway_turned_away_total", value, { status: String(status) }));
    }
    const own = [
      counter("sluice_gateway_unwatched_total", this.unwatched),
      counter("sluice_gateway_stale_routings_total", this.staleRoutings),
      counter("sluice_gateway_publish_failures_total", this.publishFailures),
    ];
    return `${[...formatSamples([...requests, ...own, ...more]), ...latencies, ...firstTokens].join("\n")}\n`;
  }
}

export interface Sample {
  readonly name: string;
  readonly kind: "counter" | "gauge";
  readonly value: number;
  readonly labels: Readonly<Record<string, string>>;
}

export const counter = (name: string, value: number, labels: Sample["labels"] = {}): Sample => ({
  name,
  kind: "counter",
  value,
  labels,
});

export const gauge = (name: string, value: number, labels: Sample["labels"] = {}): Sample => ({
  name,
  kind: "gauge",
  value,
  labels,
});

/** Samples of one name must stand together. */
const formatSamples = (samples: ReadonlyArray<Sample>): ReadonlyArray<string> => {
  const byName = Map.groupBy(samples, ({ name }) => name);
  return [...byName].flatMap(([name, group]) => [
    `# TYPE ${name} ${group[0]?.kind ?? "gauge"}`,
    ...group.map(({ labels, value }) => `${name}${labelText(labels)} ${value}`),
  ]);
};

const histogramLines = (name: string, labels: Sample["labels"], histogram: Histogram): ReadonlyArray<string> => {
  let below = 0;
  const buckets = LATENCY_EDGES_MS.map((edgeMs, i) => {
    below += histogram.counts[i] ?? 0;
    return `${name}_bucket${labelText({ ...labels, le: String(edgeMs / 1_000) })} ${below}`;
  });
  return [
    ...buckets,
    `${name}_bucket${labelText({ ...labels, le: "+Inf" })} ${histogram.total}`,
    `${name}_sum${labelText(labels)} ${histogram.sumMs / 1_000}`,
    `${name}_count${labelText(labels)} ${histogram.total}`,
  ];
};

const labelText = (labels: Sample["labels"]): string => {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
};

const escaped = (value: string): string =>
  value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
