import { type ChildProcess, fork, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";

/** One process of the benchmark that answers HTTP. */
export interface Part {
  readonly child: ChildProcess;
  readonly port: number;
}

export const here = (file: string) => new URL(file, import.meta.url).pathname;

/** A file of this folder as a process; it says its port when it listens. */
export const start = (file: string, ...args: ReadonlyArray<string>): Promise<Part> => started(file, args, []);

/** The gateway, with the flags of V8 that the image and `pnpm sluice` start it with. */
export const startGateway = (...args: ReadonlyArray<string>): Promise<Part> =>
  started("gateway.ts", args, ["--max-semi-space-size=16"]);

const started = async (file: string, args: ReadonlyArray<string>, execArgv: ReadonlyArray<string>): Promise<Part> => {
  const stdio = ["ignore", "ignore", "inherit", "ipc"] as const;
  const child = fork(here(file), [...args], { stdio: [...stdio], execArgv: [...execArgv] });
  const [message] = await once(child, "message");
  return { child, port: message.port };
};

/**
 * Keeps the main threads of processes to one core each; false where that cannot be told (no taskset, one core). The helpers of
 * V8 stay free, as they are in service.
 */
export const pin = (placed: ReadonlyArray<readonly [pid: number | undefined, core: string]>): boolean =>
  placed.every(([pid, core]) => spawnSync("taskset", ["-c", "-p", core, String(pid)]).status === 0);

/** CPU time of a process and its children from their start, in milliseconds, by the scheduler's own clock (Linux). */
export const cpuMsOf = ({ child }: Part): number =>
  [child.pid ?? 0, ...childrenOf(child.pid ?? 0)].reduce((sum, pid) => sum + cpuMsOfProcess(pid), 0);

/** Threads may end between listing and reading. */
const read = (path: string): string => {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
};

const cpuMsOfProcess = (pid: number): number =>
  readdirSync(`/proc/${pid}/task`).reduce(
    (sum, thread) => sum + Number(read(`/proc/${pid}/task/${thread}/schedstat`).split(" ")[0] ?? 0) / 1e6,
    0,
  );

/** nginx does its work in a child. */
const childrenOf = (pid: number): ReadonlyArray<number> =>
  read(`/proc/${pid}/task/${pid}/children`)
    .split(" ")
    .filter((text) => text.trim() !== "")
    .map(Number);

export const rssMbOf = ({ child }: Part): number =>
  Number(/VmRSS:\s+(\d+)/.exec(read(`/proc/${child.pid}/status`))?.[1] ?? 0) / 1_024;
