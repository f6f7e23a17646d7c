import { type ChildProcess, fork, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { availableParallelism } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import type { LoadPlan, LoadResult } from "./load.ts";

/**
 * pnpm bench:gateway [--rounds N] [--seconds S] [--portkey DIRECTORY] [--no-memory]
 *
 * Peers alternate in every round of one run, behind the same simulated upstream and load client; the figures are
 * medians over rounds. CPU per request is the sound one: on a shared machine throughput swings by half.
 */
const option = (name: string, otherwise: string): string => {
  const at = process.argv.indexOf(`--${name}`);
  return at === -1 ? otherwise : (process.argv[at + 1] ?? otherwise);
};
const rounds = Number(option("rounds", "3"));
const seconds = Number(option("seconds", "3"));
const portkeyDirectory = option("portkey", "");

const here = (file: string) => new URL(file, import.meta.url).pathname;

interface Part {
  readonly child: ChildProcess;
  readonly port: number;
}

const start = async (file: string, ...args: ReadonlyArray<string>): Promise<Part> => {
  const child = fork(here(file), [...args], { stdio: ["ignore", "ignore", "inherit", "ipc"] });
  const [message] = await once(child, "message");
  return { child, port: message.port };
};

const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  return typeof address === "object" && address !== null ? address.port : 0;
};

/** Installed by hand: `npm i @portkey-ai/gateway@1.15.2` with `@hono/node-server` overridden to 1.13.8. */
const startPortkey = async (): Promise<Part | null> => {
  const file = `${portkeyDirectory}/node_modules/@portkey-ai/gateway/build/start-server.js`;
  if (portkeyDirectory === "" || !existsSync(file)) return null;
  const port = await freePort();
  const child = spawn(process.execPath, [file, `--port=${port}`, "--headless"], {
    stdio: "ignore",
    env: { ...process.env, NODE_ENV: "production" },
  });
  await sleep(3_000);
  return { child, port };
};

const TICK_MS = 10;
/** CPU time of a process from its start, in milliseconds (Linux: fields 14 and 15 of its stat file). */
const cpuMsOf = ({ child }: Part): number => {
  const fields = readFileSync(`/proc/${child.pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
};
const rssMbOf = ({ child }: Part): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, "utf8"))?.[1] ?? 0) / 1_024;

const upstream = await start("upstream.ts");
const upstreamUrl = `http://127.0.0.1:${upstream.port}`;
const load = fork(here("load.ts"), [`${upstreamUrl}/v1`], { stdio: ["ignore", "ignore", "inherit", "ipc"] });

interface Measured extends LoadResult {
  readonly cpuMsPerRequest: number;
  readonly requestsPerSecond: number;
}

const measure = async (part: Part, plan: Partial<LoadPlan>): Promise<Measured> => {
  const before = cpuMsOf(part);
  load.send({
    port: part.port,
    kind: "closed",
    connections: 64,
    requestsPerSecond: 0,
    durationMs: seconds * 1_000,
    stream: false,
    ...plan,
  } satisfies LoadPlan);
  const [result]: Array<LoadResult> = await once(load, "message");
  if (!result) throw new Error("the load client gave no result");
  const cpuMs = cpuMsOf(part) - before;
  return {
    ...result,
    cpuMsPerRequest: cpuMs / Math.max(1, result.answered),
    requestsPerSecond: result.answered / (result.elapsedMs / 1_000),
  };
};

const median = (values: ReadonlyArray<number>): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

type Metric = keyof Measured;

class Results {
  readonly #rounds = new Map<string, Array<Measured>>();

  add(name: string, measured: Measured): void {
    this.#rounds.set(name, [...(this.#rounds.get(name) ?? []), measured]);
  }

  of(name: string, metric: Metric): number {
    return median((this.#rounds.get(name) ?? []).map((round) => round[metric]));
  }

  has(name: string): boolean {
    return this.#rounds.has(name);
  }

  /** Median over rounds of the ratio within a round: what drifts between rounds falls out. */
  ratio(name: string, to: string, metric: Metric): number {
    const own = this.#rounds.get(name) ?? [];
    const other = this.#rounds.get(to) ?? [];
    return median(own.map((round, i) => round[metric] / (other[i]?.[metric] ?? Number.NaN)));
  }
}

const direct: Part = upstream;
const parts = new Map<string, Part>([
  ["bare", await start("bare.ts", upstreamUrl)],
  ["sluice", await start("gateway.ts", upstreamUrl, "canary")],
  ["sluice, all mirrored", await start("gateway.ts", upstreamUrl, "mirror")],
]);
const portkey = await startPortkey();
if (portkey) parts.set("portkey", portkey);

const stop = () => {
  for (const { child } of [upstream, ...parts.values()]) child.kill();
  load.kill();
  process.exit();
};

const row = (cells: ReadonlyArray<string>) => console.log(`| ${cells.join(" | ")} |`);
const figure = (value: number, digits = 2) => (Number.isFinite(value) ? value.toFixed(digits) : "–");

console.log(`${availableParallelism()} cores, Node ${process.version}, ${rounds} rounds of ${seconds} s\n`);
for (const part of [direct, ...parts.values()]) await measure(part, { durationMs: 2_000 });

console.log("64 connections, JSON\n");
const full = new Results();
for (let round = 0; round < rounds; round += 1) {
  for (const [name, part] of parts) full.add(name, await measure(part, {}));
}
row(["", "CPU ms/request", "× bare", "requests/s", "× bare", "p50 ms", "p99 ms", "failed"]);
row(["---", "---", "---", "---", "---", "---", "---", "---"]);
for (const name of parts.keys()) {
  row([
    name,
    figure(full.of(name, "cpuMsPerRequest"), 3),
    figure(full.ratio(name, "bare", "cpuMsPerRequest")),
    figure(full.of(name, "requestsPerSecond"), 0),
    figure(full.ratio(name, "bare", "requestsPerSecond")),
    figure(full.of(name, "p50Ms")),
    figure(full.of(name, "p99Ms")),
    figure(full.of(name, "failed"), 0),
  ]);
}

const added = async (title: string, plan: Partial<LoadPlan>) => {
  const results = new Results();
  for (let round = 0; round < rounds; round += 1) {
    results.add("direct", await measure(direct, plan));
    for (const [name, part] of parts) results.add(name, await measure(part, plan));
  }
  console.log(`\n${title}\n`);
  row(["", "p50 ms", "added", "p99 ms", "added", "events/stream", "chunks/stream", "failed"]);
  row(["---", "---", "---", "---", "---", "---", "---", "---"]);
  for (const name of ["direct", ...parts.keys()]) {
    row([
      name,
      figure(results.of(name, "p50Ms")),
      figure(results.of(name, "p50Ms") - results.of("direct", "p50Ms")),
      figure(results.of(name, "p99Ms")),
      figure(results.of(name, "p99Ms") - results.of("direct", "p99Ms")),
      figure(results.of(name, "eventsPerStream"), 1),
      figure(results.of(name, "chunksPerStream"), 1),
      figure(results.of(name, "failed"), 0),
    ]);
  }
};
if (process.argv.includes("--only-full")) stop();
await added("300 requests/s, JSON", { kind: "paced", requestsPerSecond: 300, connections: 64 });
await added("50 streams/s, first event after 20 ms", {
  kind: "paced",
  requestsPerSecond: 50,
  connections: 64,
  stream: true,
});

if (!process.argv.includes("--no-memory")) {
  const stalled = await start("gateway.ts", upstreamUrl, "stalled");
  const memorySeconds = Number(option("memory-seconds", "60"));
  await measure(stalled, { durationMs: memorySeconds * 1_000 });
  console.log(`\nRSS after ${memorySeconds} s at full load with the bus stalled: ${figure(rssMbOf(stalled), 0)} MB`);
  stalled.child.kill();
}
stop();
