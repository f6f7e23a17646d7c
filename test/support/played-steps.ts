import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { parse } from "yaml";

export interface Step {
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
  readonly workspace: string;
  readonly event: unknown;
  readonly environment: Readonly<Record<string, string>>;
}

/** What stands between `${{` and `}}`, as text; undefined where it is not known. */
type Evaluate = (expression: string) => string | undefined;

/** Plays a composite action with its inputs. */
export const playAction = async (
  action: string,
  inputs: Readonly<Record<string, string>>,
  settings: JobSettings,
): Promise<JobOutcome> => {
  const { inputs: known, runs } = parse(await readFile(action, "utf8")) as Action;
  return playSteps(runs.steps, settings, (expression) => {
    const [, name] = expression.match(/^inputs\.([\w-]+)$/u) ?? [];
    if (name !== undefined) return inputs[name] ?? known[name]?.default ?? "";
    if (expression === "github.action_path") return dirname(action);
    return expression === "github.token" ? "runner-token" : undefined;
  });
};

/**
 * Plays steps as GitHub's runner does: those with `run` in their order, in the workspace, with the runner's files for outputs
 * and summary; a step that fails ends the job. Actions of others (`uses`) are left out.
 */
export const playSteps = async (
  steps: ReadonlyArray<Step>,
  settings: JobSettings,
  evaluate: Evaluate,
): Promise<JobOutcome> => {
  const folder = await mkdtemp(join(tmpdir(), "sluice-runner-"));
  const files = { event: join(folder, "event.json"), summary: join(folder, "summary.md") };
  await writeFile(files.event, JSON.stringify(settings.event));
  await writeFile(files.summary, "");
  const outputs: Record<string, Record<string, string>> = {};
  const expanded = (text: string): string =>
    text.replaceAll(/\$\{\{\s*(.*?)\s*\}\}/gu, (_match, expression: string) => {
      const [, step, name] = expression.match(/^steps\.([\w-]+)\.outputs\.([\w-]+)$/u) ?? [];
      if (step !== undefined && name !== undefined) return outputs[step]?.[name] ?? "";
      if (expression.startsWith("github.event."))
        return String(at(settings.event, expression.split(".").slice(2)) ?? "");
      const value = evaluate(expression);
      if (value === undefined) throw new Error(`the steps use an expression that is not played: ${expression}`);
      // The default of an input is an expression itself.
      return expanded(value);
    });

  let log = "";
  let failed: { readonly id: string; readonly code: number } | undefined;
  for (const [i, { id = `step-${i}`, run, env = {} }] of steps.entries()) {
    if (run === undefined || failed) continue;
    const outputFile = join(folder, `output-${i}`);
    await writeFile(outputFile, "");
    const ended = await bash(expanded(run), settings.workspace, {
      ...process.env,
      ...{ GITHUB_ACTIONS: "true", GITHUB_OUTPUT: outputFile, GITHUB_STEP_SUMMARY: files.summary },
      ...{ GITHUB_EVENT_PATH: files.event, GITHUB_WORKSPACE: settings.workspace },
      ...settings.environment,
      ...Object.fromEntries(Object.entries(env).map(([name, value]) => [name, expanded(value)])),
    });
    log += ended.output;
    outputs[id] = outputsIn(await readFile(outputFile, "utf8"));
    if (ended.code !== 0) failed = { id, code: ended.code };
  }
  const summary = await readFile(files.summary, "utf8");
  await rm(folder, { recursive: true });
  return { exitCode: failed?.code ?? 0, failedStep: failed?.id, summary, log, outputs };
};

const outputsIn = (text: string): Record<string, string> =>
  Object.fromEntries(
    text
      .split("\n")
      .filter((line) => line.includes("="))
      .map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]),
  );

const at = (value: unknown, path: ReadonlyArray<string>): unknown =>
  path.reduce<unknown>(
    (inner, key) => (typeof inner === "object" && inner !== null ? Reflect.get(inner, key) : undefined),
    value,
  );

/** As the runner starts `shell: bash`. */
const bash = (script: string, cwd: string, env: NodeJS.ProcessEnv): Promise<{ code: number; output: string }> =>
  new Promise((resolve, reject) => {
    const child = spawn("bash", ["--noprofile", "--norc", "-eo", "pipefail", "-c", script], {
      ...{ cwd, env },
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
