import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { alerts, watchedMetrics } from "../support/watched-metrics.ts";

const root = join(import.meta.dirname, "../..");
const read = (path: string) => readFileSync(join(root, path), "utf8");
const sources = globSync("{services,packages}/*/src/**/*.ts", { cwd: root }).map(read).join("\n");
const names = ["registry", "gateway", "gate", "shadow-judge", "canary-controller"];

interface Service {
  readonly command?: ReadonlyArray<string>;
  readonly healthcheck?: { readonly test: ReadonlyArray<string> };
  readonly environment?: Readonly<Record<string, unknown>>;
  readonly depends_on?: unknown;
}
const compose: { readonly services: Readonly<Record<string, Service>> } = parse(read("docker-compose.yml"), {
  merge: true,
});

/** Secrets that a settings file names: which ones is up to whoever writes it. */
const namedByFiles = ["OPENAI_API_KEY", "PAGERDUTY_ROUTING_KEY", "SLACK_WEBHOOK_URL"];

describe("the operators' files", () => {
  it("explain every alert, and no other, in the runbook", () => {
    const headings = [...read("docs/operations.md").matchAll(/^### (\w+)$/gm)].map(([, name]) => name);
    expect(headings).toEqual(alerts().map(({ alert }) => alert));
  });

  it("watch metrics that the code has", () => {
    const base = (metric: string) => metric.replace(/_(?:bucket|sum|count)$/, "");
    expect(watchedMetrics().length).toBeGreaterThan(10);
    expect(watchedMetrics().filter((metric) => !sources.includes(`"${base(metric)}"`))).toEqual([]);
  });

  it("start every service, each with a health check on the port that it is told", () => {
    for (const name of names) {
      const service = compose.services[name];
      expect(service?.command).toEqual(["serve", name]);
      const port = service?.healthcheck?.test.at(-1);
      if (name !== "gateway") expect([name, service?.environment?.SLUICE_PORT]).toEqual([name, port]);
      expect(read("infra/prometheus/prometheus.yml")).toContain(`[${name}:${port}]`);
    }
    for (const server of ["kafka", "postgres", "clickhouse"])
      expect(compose.services[server]?.healthcheck).toBeDefined();
    expect(Object.keys(compose.services)).toEqual(expect.arrayContaining(["prometheus", "grafana"]));
  });

  it("set no variable that the code does not read", () => {
    const helm = read("infra/helm/sluice/templates/deployments.yaml");
    const set = [
      ...names.flatMap((name) => Object.keys(compose.services[name]?.environment ?? {})),
      ...[...helm.matchAll(/\b((?:KAFKA|SLUICE|CLICKHOUSE|DATABASE|OTEL)_[A-Z_]+)\b/g)].map(([, name]) => name ?? ""),
    ].filter((name) => !namedByFiles.includes(name));
    expect([...new Set(set)].filter((name) => !sources.includes(name))).toEqual([]);
  });

  it("run the image as somebody who is not root, and put no secret into a value of the chart", () => {
    expect(read("infra/docker/Dockerfile")).toMatch(/^USER node$/m);
    const values = JSON.stringify(parse(read("infra/helm/sluice/values.yaml")));
    expect(values).not.toMatch(/"(?:password|token|key)":"[^"]+"/i);
  });
});
