import type { Arm, Observation } from "@sluice/contracts";
import { CLIENT_GONE_STATUS } from "../domain/outcome.ts";

/** Upper edges in milliseconds: from a cached embedding to a long answer. */
const LATENCY_EDGES_MS = [5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000] as const;

interface ArmCounts {
  readonly byEnd: Map<string, number>;
  readonly latencyCounts: Array<number>;
  latencySumMs: number;
  requests: number;
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

  served({ application, arm, status, errorClass, latencyMs }: Observation): void {
    const key = `${application}/${arm}`;
    let entry = this.#arms.get(key);
    if (!entry) {
      const latencyCounts = new Array<number>(LATENCY_EDGES_MS.length + 1).fill(0);
      entry = { application, arm, counts: { byEnd: new Map(), latencyCounts, latencySumMs: 0, requests: 0 } };
      this.#arms.set(key, entry);
    }
    const { counts } = entry;
    const end = errorClass ?? (status === CLIENT_GONE_STATUS ? "client-gone" : "answered");
    counts.byEnd.set(end, (counts.byEnd.get(end) ?? 0) + 1);
    // How long a client waited before it left is no latency of the arm.
    if (end === "client-gone") return;
    counts.requests += 1;
    counts.latencySumMs += latencyMs;
    const edge = LATENCY_EDGES_MS.findIndex((edgeMs) => latencyMs <= edgeMs);
    const bin = edge === -1 ? LATENCY_EDGES_MS.length : edge;
    counts.latencyCounts[bin] = (counts.latencyCounts[bin] ?? 0) + 1;
  }

  turnedAway(status: number): void {
    this.#turnedAway.set(status, (this.#turnedAway.get(status) ?? 0) + 1);
  }

  /** Prometheus text. `more` are gauges and counters that live elsewhere. */
  format(more: ReadonlyArray<Sample>): string {
    const requests: Array<Sample> = [];
    const latencies: Array<string> = ["# TYPE sluice_gateway_request_seconds histogram"];
    for (const { application, arm, counts } of this.#arms.values()) {
      for (const [end, value] of counts.byEnd) {
        requests.push(counter("sluice_gateway_requests_total", value, { application, arm, end }));
      }
      latencies.push(...histogramLines({ application, arm }, counts));
    }
    for (const [status, value] of this.#turnedAway) {
      requests.push(counter("sluice_gateway_turned_away_total", value, { status: String(status) }));
    }
    const own = [
      counter("sluice_gateway_unwatched_total", this.unwatched),
      counter("sluice_gateway_stale_routings_total", this.staleRoutings),
      counter("sluice_gateway_publish_failures_total", this.publishFailures),
    ];
    return `${[...formatSamples([...requests, ...own, ...more]), ...latencies].join("\n")}\n`;
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

const histogramLines = (labels: Sample["labels"], counts: ArmCounts): ReadonlyArray<string> => {
  const name = "sluice_gateway_request_seconds";
  let below = 0;
  const buckets = LATENCY_EDGES_MS.map((edgeMs, i) => {
    below += counts.latencyCounts[i] ?? 0;
    return `${name}_bucket${labelText({ ...labels, le: String(edgeMs / 1_000) })} ${below}`;
  });
  return [
    ...buckets,
    `${name}_bucket${labelText({ ...labels, le: "+Inf" })} ${counts.requests}`,
    `${name}_sum${labelText(labels)} ${counts.latencySumMs / 1_000}`,
    `${name}_count${labelText(labels)} ${counts.requests}`,
  ];
};

const labelText = (labels: Sample["labels"]): string => {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
};

const escaped = (value: string): string =>
  value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
