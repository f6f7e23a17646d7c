import { fork } from "node:child_process";
import { once } from "node:events";
import { availableParallelism } from "node:os";
import { addedQuantile } from "./intervals.ts";
import type { LoadPlan, LoadResult } from "./load.ts";
import { cpuMsOf, here, type Part, pin, rssMbOf, start, startGateway } from "./part.ts";
import { type Peer, startNginx, startPortkey } from "./peers.ts";
import { atLeast, atMost, median, quantile, Table } from "./table.ts";
import { wrk } from "./wrk.ts";

/**
 * pnpm bench:gateway [--rounds N] [--seconds S] [--warm-seconds S] [--paced-rounds N]
 *   [--memory-seconds S] [--no-portkey] [--no-nginx]
 *
 * Peers alternate in every round of one run, behind the same simulated upstream and load client. CPU per request is the sound
 * figure: on a shared machine throughput swings by half. Ratios are medians of the ratios within a round. Latencies are
 * quantiles over many short rounds; of a p99 the interval is told, and where it holds the target nothing is claimed.
 */
const option = (name: string, otherwise: number): number => {
  const at = process.argv.indexOf(`--${name}`);
  return at === -1 ? otherwise : Number(process.argv[at + 1] ?? otherwise);
};
const rounds = option("rounds", 5);
const seconds = option("seconds", 3);
const warmSeconds = option("warm-seconds", 15);
const pacedRounds = option("paced-rounds", 12);
const memorySeconds = option("memory-seconds", 60);
const without = (name: string): Peer | null =>
  process.argv.includes(`--no-${name}`) ? { skipped: `${name}: left out by --no-${name}` } : null;

const upstream = await start("upstream.ts");
const upstreamUrl = `http://127.0.0.1:${upstream.port}`;
const load = fork(here("load.ts"), [`${upstreamUrl}/v1`], { stdio: ["ignore", "ignore", "inherit", "ipc"] });
const wrkLoad = await wrk();

const parts = new Map<string, Part>([
  ["direct", upstream],
  ["bare", await start("bare.ts", upstreamUrl)],
  ["sluice", await startGateway(upstreamUrl, "canary")],
  ["sluice, all mirrored", await startGateway(upstreamUrl, "mirror")],
  ["bare, all mirrored", await start("bare.ts", upstreamUrl, "mirror")],
]);
const skipped: Array<string> = [];
for (const [name, peer] of [
  ["portkey", without("portkey") ?? (await startPortkey())],
  ["nginx, all mirrored", without("nginx") ?? (await startNginx(upstream.port))],
] as const) {
  if ("skipped" in peer) skipped.push(peer.skipped);
  else parts.set(name, peer);
}
if (!wrkLoad) skipped.push("wrk: it is not installed; the project's own load client takes its place");
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));
process.on("exit", () => {
  for (const { child } of parts.values()) child.kill();
  load.kill();
});

const ask = async (port: number, plan: Partial<LoadPlan>): Promise<LoadResult> => {
  load.send({
    port,
    kind: "closed",
    connections: 64,
    requestsPerSecond: 0,
    durationMs: seconds * 1_000,
    stream: false,
    ...plan,
  } satisfies LoadPlan);
  const [result]: Array<LoadResult> = await once(load, "message");
  if (!result) throw new Error("the load client gave no result");
  return result;
};

interface Full {
  readonly cpuMs: number;
  readonly perSecond: number;
  readonly failed: number;
  readonly answered: number;
}

const fullLoad = async (part: Part): Promise<Full> => {
  const before = cpuMsOf(part);
  const result = wrkLoad
    ? await wrkLoad(part.port, 64, seconds, `${upstreamUrl}/v1`)
    : await ask(part.port, { kind: "closed" });
  const { answered, failed, elapsedMs } = result;
  const cpuMs = (cpuMsOf(part) - before) / Math.max(1, answered);
  return { cpuMs, perSecond: answered / (elapsedMs / 1_000), failed, answered };
};

/** Every part in every round, the order turned about, so that what drifts falls out. */
const alternate = async <A>(names: ReadonlyArray<string>, count: number, measure: (part: Part) => Promise<A>) => {
  const measured = new Map<string, Array<A>>();
  const present = names.flatMap((name) => {
    const part = parts.get(name);
    return part ? [[name, part] as const] : [];
  });
  for (let round = 0; round < count; round += 1) {
    for (const [name, part] of round % 2 === 0 ? present : present.toReversed()) {
      measured.set(name, [...(measured.get(name) ?? []), await measure(part)]);
    }
  }
  return measured;
};

console.log(
  `${availableParallelism()} cores, Node ${process.version}, ${rounds} rounds of ${seconds} s, ${pacedRounds} of latencies, full load by ${wrkLoad ? "wrk" : "the project's own client"}`,
);
// Until V8 has compiled what it will: up to 15 s of load, in which a tenth of the CPU is the compiler's.
for (const part of parts.values()) await ask(part.port, { durationMs: warmSeconds * 1_000 });

const pairsOf = async ({ child }: Part): Promise<number> => {
  child.send("pairs");
  const [{ pairs }] = await once(child, "message");
  return pairs;
};
const mirrorPart = parts.get("sluice, all mirrored");
const pairsBefore = mirrorPart ? await pairsOf(mirrorPart) : 0;
const full = await alternate([...parts.keys()].slice(1), rounds, fullLoad);
const ratio = (name: string, to: string, of: "cpuMs" | "perSecond"): number =>
  median((full.get(name) ?? []).map((round, i) => round[of] / (full.get(to)?.[i]?.[of] ?? Number.NaN)));

const table = new Table();
const cores = "64 connections, JSON";
table.add(cores, "CPU per request ÷ bare", ratio("sluice", "bare", "cpuMs"), atMost(1.4));
table.add(cores, "CPU per request ÷ Portkey", ratio("sluice", "portkey", "cpuMs"), atMost(0.1));
table.add(cores, "throughput ÷ bare", ratio("sluice", "bare", "perSecond"), atLeast(0.75));
table.add(cores, "throughput ÷ Portkey", ratio("sluice", "portkey", "perSecond"), atLeast(10));
const mirrored = full.get("sluice, all mirrored") ?? [];
table.add(
  "every request mirrored",
  "throughput ÷ nginx with mirror",
  ratio("sluice, all mirrored", "nginx, all mirrored", "perSecond"),
  atLeast(1),
);
const asked = mirrored.reduce((sum, { answered }) => sum + answered, 0);
if (mirrorPart) {
  const pairs = (await pairsOf(mirrorPart)) - pairsBefore;
  table.add("every request mirrored", "pairs per request", pairs / asked, atLeast(0.99));
}

const lastCore = String(availableParallelism() - 1);
let isPinned = availableParallelism() > 1;
const place = (part: Part, core: string, others: string): void => {
  const placed = [[part.child.pid, core] as const, [upstream.child.pid, others] as const, [load.pid, others] as const];
  // What is measured "directly" is the upstream itself: that keeps the place it has behind a gateway.
  isPinned &&= pin(part === upstream ? placed.slice(1) : placed);
};

/** Paced rounds: what is measured has a core to itself, the load client and the upstream share the other. */
const paced = (plan: Partial<LoadPlan>, names: ReadonlyArray<string>) =>
  alternate(names, pacedRounds, (part) => {
    place(part, lastCore, "0");
    return ask(part.port, { kind: "paced", ...plan });
  });
const json = await paced({ requestsPerSecond: 300, durationMs: 2_000 }, [
  "direct",
  "bare",
  "sluice",
  "sluice, all mirrored",
]);
const streams = await paced({ requestsPerSecond: 50, stream: true, durationMs: 4_000 }, ["direct", "bare", "sluice"]);
const byRound = (of: Map<string, Array<LoadResult>>, name: string) =>
  (of.get(name) ?? []).map(({ latenciesMs }) => latenciesMs);
const latencies = (of: Map<string, Array<LoadResult>>, name: string) => byRound(of, name).flat();
const added = (of: Map<string, Array<LoadResult>>, name: string, to: string, q: number) =>
  addedQuantile(byRound(of, name), byRound(of, to), q);

table.add("300 requests/s", "added p50, ms", added(json, "sluice", "direct", 0.5).value, atMost(0.8));
table.addWithin("300 requests/s", "added p99, ms [95 %]", added(json, "sluice", "direct", 0.99), atMost(3));
table.add(
  "300 requests/s",
  "p50 added by mirroring all, ms",
  added(json, "sluice, all mirrored", "sluice", 0.5).value,
  atMost(0.3),
);
const sse = "50 streams/s, upstream 20 ms";
table.add(sse, "added first event p50, ms", added(streams, "sluice", "direct", 0.5).value, atMost(1.3));
table.addWithin(sse, "added first event p99, ms [95 %]", added(streams, "sluice", "direct", 0.99), atMost(3));
const perStream = (of: "eventsPerStream" | "chunksPerStream") =>
  median((streams.get("sluice") ?? []).map((r) => r[of]));
table.add(sse, "events per stream (10 sent)", perStream("eventsPerStream"), atLeast(10));
table.add(sse, "chunks per event", perStream("chunksPerStream") / perStream("eventsPerStream"), atLeast(0.99));

if (memorySeconds > 0) {
  const stalled = await startGateway(upstreamUrl, "stalled");
  parts.set("stalled", stalled);
  place(stalled, `0-${lastCore}`, `0-${lastCore}`);
  await ask(stalled.port, { durationMs: memorySeconds * 1_000 });
  table.add(`${memorySeconds} s at full load, bus stalled`, "RSS, MB", rssMbOf(stalled), atMost(220));
}
table.print();

console.log("\nFor orientation, medians over rounds:\n");
for (const [name, found] of full) {
  const of = (metric: keyof Full) => median(found.map((round) => round[metric]));
  console.log(
    `- ${name}: ${of("cpuMs").toFixed(3)} ms CPU per request, ${of("perSecond").toFixed(0)} requests/s, ${of("failed")} failed`,
  );
}
for (const [what, of] of [
  ["JSON", json],
  ["first event", streams],
] as const) {
  for (const name of of.keys()) {
    const sample = latencies(of, name);
    console.log(
      `- ${what}, ${name}: p50 ${quantile(sample, 0.5).toFixed(2)} ms, p99 ${quantile(sample, 0.99).toFixed(2)} ms (n = ${sample.length})`,
    );
  }
}
const bareRatio = ratio("bare, all mirrored", "nginx, all mirrored", "perSecond").toFixed(3);
console.log(`- bare, all mirrored ÷ nginx with mirror: ${bareRatio} of the throughput`);
console.log(`- bare ÷ Portkey: ${ratio("bare", "portkey", "perSecond").toFixed(2)} of the throughput`);
if (!isPinned)
  console.log("- latencies were measured on cores that were not kept apart: taskset is not there, or one core");
for (const reason of skipped) console.log(`- skipped: ${reason}`);
process.exit();
