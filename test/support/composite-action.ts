import { spawn } from "node:child_process";
import { mkdtemp, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { parse } from "yaml";

interface Step {
  readonly id?: string;
  readonly uses?: string;
  readonly run?: string;
  readonly env?: Readonly<Record<string, string>>;
}
interface Action {
  readonly inputs: Readonly<Record<string, { readonly default?: string }>>;
  readonly runs: { readonly steps: ReadonlyArray<Step> };
}

export interface JobOutcome {
  /** Of the first step that failed; 0 where none did. */
  readonly exitCode: number;
  readonly failedStep: string | undefined;
  readonly summary: string;
  /** Everything that the steps printed: where the runner looks for annotations. */
  readonly log: string;
  readonly outputs: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

export interface JobSettings {
  readonly action: string;
  readonly workspace: string;
  readonly inputs: Readonly<Record<string, string>>;
  readonly event: unknown;
  readonly environment: Readonly<Record<string, string>>;
}

/**
 * Plays a composite action as GitHub's runner does: the `run` steps in their order, in the workspace, with the runner's
 * files for outputs and summary; a step that fails ends the job. Actions of others (`uses`) are left out.
 */
export const playAction = async (settings: JobSettings): Promise<JobOutcome> => {
  const { inputs, runs } = parse(await readFile(settings.action, "utf8")) as Action;
  const folder = await mkdtemp(join(tmpdir(), "sluice-runner-"));
  const files = { event: join(folder, "event.json"), summary: join(folder, "summary.md") };
  await writeFile(files.event, JSON.stringify(settings.event));
  await writeFile(files.summary, "");
  const given = Object.fromEntries(
    Object.entries(inputs).map(([name, { default: fallback }]) => [name, settings.inputs[name] ?? fallback ?? ""]),
  );
  const outputs: Record<string, Record<string, string>> = {};
  const evaluated = (expression: string): string => {
    const [, output] = expression.match(/^inputs\.([\w-]+)$/u) ?? [];
    if (output !== undefined) return valueIn(given[output] ?? "");
    const [, step, name] = expression.match(/^steps\.([\w-]+)\.outputs\.([\w-]+)$/u) ?? [];
    if (step !== undefined && name !== undefined) return outputs[step]?.[name] ?? "";
    if (expression === "github.action_path") return dirname(settings.action);
    if (expression === "github.token") return "runner-token";
    if (expression.startsWith("github.event.")) return String(at(settings.event, expression.split(".").slice(2)) ?? "");
    throw new Error(`the action uses an expression that is not played here: ${expression}`);
  };
  const valueIn = (text: string): string =>
    text.replaceAll(/\$\{\{\s*(.*?)\s*\}\}/gu, (_match, expression: string) => evaluated(expression));

  let log = "";
  for (const [i, { id = `step-${i}`, run, env = {} }] of runs.steps.entries()) {
    if (run === undefined) continue;
    const outputFile = join(folder, `output-${i}`);
    await writeFile(outputFile, "");
    const environment = {
      ...process.env,
      ...{ GITHUB_ACTIONS: "true", GITHUB_OUTPUT: outputFile, GITHUB_STEP_SUMMARY: files.summary },
      ...{ GITHUB_EVENT_PATH: files.event, GITHUB_WORKSPACE: settings.workspace },
      ...settings.environment,
      ...Object.fromEntries(Object.entries(env).map(([name, value]) => [name, valueIn(value)])),
    };
    const ended = await bash(valueIn(run), settings.workspace, environment);
    log += ended.output;
    const lines = (await readFile(outputFile, "utf8")).split("\n").filter((line) => line.includes("="));
    outputs[id] = Object.fromEntries(
      lines.map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]),
    );
    if (ended.code !== 0)
      return { exitCode: ended.code, failedStep: id, summary: await readFile(files.summary, "utf8"), log, outputs };
  }
  return { exitCode: 0, failedStep: undefined, summary: await readFile(files.summary, "utf8"), log, outputs };
};

const at = (value: unknown, path: ReadonlyArray<string>): unknown =>
  path.reduce<unknown>(
    (inner, key) => (typeof inner === "object" && inner !== null ? Reflect.get(inner, key) : undefined),
    value,
  );

/** As the runner starts `shell: bash`. */
const bash = (script: string, cwd: string, env: NodeJS.ProcessEnv): Promise<{ code: number; output: string }> =>
  new Promise((resolve, reject) => {
    const child = spawn("bash", ["--noprofile", "--norc", "-eo", "pipefail", "-c", script], {
      cwd,
      env,
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding("utf8").on("data", (chunk: string) => {
        output += chunk;
      });
    child.on("error", reject);
    child.on("close", (code) => resolve({ code: code ?? 1, output }));
  });
