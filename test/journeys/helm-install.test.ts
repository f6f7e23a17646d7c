import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { describe, expect, it } from "vitest";
import { environmentFaults } from "../support/environment-faults.ts";
import { helmChart, type KubernetesObject } from "../support/helm-chart.ts";

const chart = await helmChart();
const services = ["canary-controller", "gate", "gateway", "registry", "shadow-judge"];
/** The newest and an old one that is still in use. */
const versions = ["1.37.0", "1.31.0"];

/** What has no default. */
const required = { kafka: { brokers: "kafka:9093" }, clickhouse: { url: "http://clickhouse:8123" } };
/** Everything that can be switched on. */
const everything = {
  image: { repository: "registry.example.org/sluice", tag: "2", pullSecrets: ["pull"] },
  kafka: { ...required.kafka, ownAuthority: true },
  clickhouse: { ...required.clickhouse, cluster: "main" },
  signingSecret: "sluice-signing",
  pageSecret: "sluice-page",
  pagesSecret: "sluice-pages",
  otlpEndpoint: "http://collector:4318",
  canaryController: { pages: { channels: [{ kind: "slack", name: "team", urlEnv: "SLACK_WEBHOOK_URL" }] } },
  networkPolicy: { clients: { team: "support" } },
  podMonitor: true,
};

if ("skipped" in chart) describe.skip("the Helm chart", () => it(`is not tested: ${chart.skipped}`, () => {}));
else
  describe("the Helm chart", () => {
    const names = (objects: ReadonlyArray<KubernetesObject>, kind: string) =>
      objects.flatMap((object) => (object.kind === kind ? [object.metadata.name.replace("sluice-", "")] : [])).sort();

    it.each([
      ["with its defaults", required],
      ["with every option", everything],
      [
        "without network policies and SASL",
        { ...required, networkPolicy: { enabled: false }, kafka: { ...required.kafka, securityProtocol: "PLAINTEXT" } },
      ],
    ])("is what Kubernetes takes: %s", async (_name, values) => {
      const objects = await chart.render(values);
      for (const kind of ["Deployment", "Service", "PodDisruptionBudget"])
        expect(names(objects, kind)).toEqual(services);
      const custom = ["PodMonitor"];
      for (const version of versions)
        for (const object of objects)
          expect(chart.faultsOf(object, version)).toEqual(custom.includes(object.kind) ? null : []);
      const keys = objects.map(({ kind, metadata }) => `${kind} ${metadata.name}`);
      expect(new Set(keys).size).toBe(keys.length);
    });

    it("is refused by these schemas where a field is wrong", async () => {
      const [deployment] = (await chart.render(required)).filter(({ kind }) => kind === "Deployment");
      if (!deployment) throw new Error("there is no deployment");
      const wrong = { ...deployment, spec: { ...deployment.spec, replica: 2, replicas: "two" } };
      expect(chart.faultsOf(wrong, "1.37.0")?.join()).toMatch(/replica.*spec\/replicas must be integer/);
    });

    it("has selectors that find its pods, ports that they have, and addresses of its own services", async () => {
      const objects = await chart.render(everything);
      const of = (kind: string) => objects.filter((object) => object.kind === kind);
      const pods = of("Deployment").map(({ spec }) => spec.template);
      const found = (labels: Readonly<Record<string, string>>) =>
        pods.filter(({ metadata }) => Object.entries(labels).every(([name, value]) => metadata.labels[name] === value));
      const selectors = [
        ...["Deployment", "PodDisruptionBudget"].flatMap((kind) =>
          of(kind).map(({ spec }) => spec.selector.matchLabels),
        ),
        ...of("Service").map(({ spec }) => spec.selector),
        ...of("NetworkPolicy").map(({ spec }) => spec.podSelector.matchLabels),
      ];
      expect(selectors).toHaveLength(4 * services.length);
      expect(selectors.map((labels) => found(labels).length)).toEqual(selectors.map(() => 1));
      expect(of("PodMonitor").map(({ spec }) => found(spec.selector.matchLabels).length)).toEqual([services.length]);
      for (const { spec } of of("Service")) {
        const [pod] = found(spec.selector);
        const [{ name, containerPort }] = pod.spec.containers[0].ports;
        expect(spec.ports).toEqual([{ name, port: containerPort, targetPort: name }]);
      }
      for (const { spec } of of("NetworkPolicy")) {
        const [pod] = found(spec.podSelector.matchLabels);
        const { containerPort } = pod.spec.containers[0].ports[0];
        for (const { ports } of spec.ingress) expect(ports).toEqual([{ port: containerPort }]);
      }
      const gateway = of("Service").find(({ metadata }) => metadata.name === "sluice-gateway");
      expect(JSON.stringify(objects)).toContain(`"http://sluice-gateway:${gateway?.spec.ports[0].port}"`);
    });

    it.each(services)("gives %s an environment that it takes, and every file that it names", async (name) => {
      const objects = await chart.render(everything);
      const folder = mkdtempSync(join(tmpdir(), "sluice-helm-"));
      try {
        expect(await environmentFaults(name, environmentOf(objects, name, folder))).toEqual([]);
      } finally {
        rmSync(folder, { recursive: true });
      }
    });

    it("says what has to be set", async () => {
      await expect(chart.render({})).rejects.toThrow(/kafka\.brokers: host:port of your brokers/);
    });
  });

/** Of the container, with what it mounts in `folder`. Secrets have a value each. */
const environmentOf = (objects: ReadonlyArray<KubernetesObject>, name: string, folder: string) => {
  const deployment = objects.find(({ kind, metadata }) => kind === "Deployment" && metadata.name === `sluice-${name}`);
  const [container] = deployment?.spec.template.spec.containers ?? [];
  const settings = objects.find(({ kind }) => kind === "ConfigMap")?.data ?? {};
  const secrets = { "tokens.json": "[]", "ca.crt": "an authority" };
  for (const [file, text] of Object.entries({ ...settings, ...secrets })) writeFileSync(join(folder, file), text);
  const mounts: ReadonlyArray<string> = container.volumeMounts.map((mount: { mountPath: string }) => mount.mountPath);
  const given: Record<string, string> = {
    OPENAI_API_KEY: "a-key",
    SLACK_WEBHOOK_URL: "https://hooks.example.org/1",
  };
  for (const { name: variable, value } of container.env) {
    const isMounted = mounts.some((mount) => value?.startsWith(`${mount}/`));
    given[variable] = isMounted ? join(folder, basename(value)) : (value ?? `https://secret.example.org/${variable}`);
  }
  return given;
};
