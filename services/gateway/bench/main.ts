import { fork } from "node:child_process";
import { once } from "node:events";
import { availableParallelism } from "node:os";
import type { LoadPlan, LoadResult } from "./load.ts";
import { cpuMsOf, here, type Part, rssMbOf, start } from "./part.ts";
import { type Peer, startNginx, startPortkey } from "./peers.ts";
import { atLeast, atMost, median, quantile, Table } from "./table.ts";
import { wrk } from "./wrk.ts";

/**
 * pnpm bench:gateway [--rounds N] [--seconds S] [--memory-seconds S] [--no-portkey] [--no-nginx]
 *
 * Peers alternate in every round of one run, behind the same simulated upstream and load client. CPU per request is the sound
 * figure: on a shared machine throughput swings by half. Ratios are medians of the ratios within a round; latencies are
 * quantiles over all rounds.
 */
const option = (name: string, otherwise: number): number => {
  const at = process.argv.indexOf(`--${name}`);
  return at === -1 ? otherwise : Number(process.argv[at + 1] ?? otherwise);
};
const rounds = option("rounds", 3);
const seconds = option("seconds", 3);
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
  ["sluice", await start("gateway.ts", upstreamUrl, "canary")],
  ["sluice, all mirrored", await start("gateway.ts", upstreamUrl, "mirror")],
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
const alternate = async <A>(names: ReadonlyArray<string>, measure: (part: Part) => Promise<A>) => {
  const measured = new Map<string, Array<A>>();
  const present = names.flatMap((name) => {
    const part = parts.get(name);
    return part ? [[name, part] as const] : [];
  });
  for (let round = 0; round < rounds; round += 1) {
    for (const [name, part] of round % 2 === 0 ? present : present.toReversed()) {
      measured.set(name, [...(measured.get(name) ?? []), await measure(part)]);
    }
  }
  return measured;
};

console.log(
  `${availableParallelism()} cores, Node ${process.version}, ${rounds} rounds of ${seconds} s, full load by ${wrkLoad ? "wrk" : "the project's own client"}`,
);
for (const part of parts.values()) await ask(part.port, { durationMs: 2_000 });

const pairsOf = async ({ child }: Part): Promise<number> => {
  child.send("pairs");
  const [{ pairs }] = await once(child, "message");
  return pairs;
};
const mirrorPart = parts.get("sluice, all mirrored");
const pairsBefore = mirrorPart ? await pairsOf(mirrorPart) : 0;
const full = await alternate([...parts.keys()].slice(1), fullLoad);
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

const paced = await alternate(["direct", "bare", "sluice", "sluice, all mirrored"], ({ port }) =>
  ask(port, { kind: "paced", requestsPerSecond: 300, durationMs: seconds * 1_500 }),
);
const streams = await alternate(["direct", "bare", "sluice", "portkey"], ({ port }) =>
  ask(port, { kind: "paced", requestsPerSecond: 50, stream: true, durationMs: seconds * 2_000 }),
);
const added = (of: Map<string, Array<LoadResult>>, name: string, to: string, q: number): number =>
  quantile(latencies(of, name), q) - quantile(latencies(of, to), q);
const latencies = (of: Map<string, Array<LoadResult>>, name: string) =>
  (of.get(name) ?? []).flatMap(({ latenciesMs }) => latenciesMs);

table.add("300 requests/s", "added p50, ms", added(paced, "sluice", "direct", 0.5), atMost(0.8));
table.add("300 requests/s", "added p99, ms", added(paced, "sluice", "direct", 0.99), atMost(3));
table.add(
  "300 requests/s",
  "p50 added by mirroring all, ms",
  added(paced, "sluice, all mirrored", "sluice", 0.5),
  atMost(0.3),
);
const sse = "50 streams/s, upstream 20 ms";
table.add(sse, "added first event p50, ms", added(streams, "sluice", "direct", 0.5), atMost(1.3));
table.add(sse, "added first event p99, ms", added(streams, "sluice", "direct", 0.99), atMost(3));
const perStream = (of: "eventsPerStream" | "chunksPerStream") =>
  median((streams.get("sluice") ?? []).map((r) => r[of]));
table.add(sse, "events per stream (10 sent)", perStream("eventsPerStream"), atLeast(10));
table.add(sse, "chunks per event", perStream("chunksPerStream") / perStream("eventsPerStream"), atLeast(0.99));

if (memorySeconds > 0) {
  const stalled = await start("gateway.ts", upstreamUrl, "stalled");
  parts.set("stalled", stalled);
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
  ["JSON", paced],
  ["first event", streams],
] as const) {
  for (const name of of.keys()) {
    const sample = latencies(of, name);
    console.log(
      `- ${what}, ${name}: p50 ${quantile(sample, 0.5).toFixed(2)} ms, p99 ${quantile(sample, 0.99).toFixed(2)} ms (n = ${sample.length})`,
    );
  }
}
for (const reason of skipped) console.log(`- skipped: ${reason}`);
process.exit();
