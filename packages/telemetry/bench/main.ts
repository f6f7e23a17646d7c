import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { timestampOf } from "@sluice/contracts";
import * as Effect from "effect/Effect";
import * as Fiber from "effect/Fiber";
import { MINUTE_MS } from "../src/clickhouse/rollup-statements.ts";
import { selectWindowCounts } from "../src/clickhouse/select-window-counts.ts";
import { selectWindows } from "../src/clickhouse/select-windows.ts";
import { openClickHouse } from "../src/clickhouse-telemetry-store.ts";
import type { TelemetryError, WindowQuery } from "../src/telemetry-store.ts";
import { batchOfPayloads, dayOfTraffic } from "./traffic.ts";

/**
 * The embedded ClickHouse under a day of traffic: `pnpm bench:telemetry [million rows]` (default 50). Prints each target
 * beside what was measured. The figures are this machine's; ratios are of rounds that alternate in one run.
 */
const MILLION = 1_000_000;
const rows = Number(process.argv[2] ?? 50) * MILLION;
const ROWS_PER_STATEMENT = 4 * MILLION;

const path = mkdtempSync(join(tmpdir(), "sluice-bench-telemetry-"));
const table: Array<readonly [line: string, target: string, measured: string, met: boolean | null]> = [];
const ms = (value: number) => `${value.toFixed(1)} ms`;

const percentile = (values: ReadonlyArray<number>, share: number) =>
  [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))] ?? Number.NaN;

const timed = async (action: () => Promise<unknown>): Promise<number> => {
  const startedAt = performance.now();
  await action();
  return performance.now() - startedAt;
};

const run = <A, E>(effect: Effect.Effect<A, E>) => Effect.runPromise(effect);

type Opened = Effect.Success<ReturnType<typeof openClickHouse>>;

const fill = async ({ clients, rollUp, store }: Opened, endMs: number) => {
  const startedAt = performance.now();
  for (let from = 0; from < rows; from += ROWS_PER_STATEMENT) {
    const to = Math.min(rows, from + ROWS_PER_STATEMENT);
    await clients.writer.command({ query: dayOfTraffic(endMs, { from, to, all: rows }) });
  }
  const empty = { ...batchOfPayloads("support-bot", 0, endMs), through: timestampOf(endMs) };
  await run(store.insertObservations([empty]));
  console.log(`${rows / MILLION} M rows in ${((performance.now() - startedAt) / 1_000).toFixed(0)} s`);
  console.log(`rolled up in ${((await timed(() => run(rollUp))) / 1_000).toFixed(1)} s`);
  await mergesAreDone(clients.reader);
};

/** Merges of what was filled in a minute are no part of a store's daily work; they are given a while to end. */
const mergesAreDone = async (reader: Opened["clients"]["reader"]) => {
  const until = performance.now() + 60_000;
  while (performance.now() < until) {
    const result = await reader.query({ query: "SELECT count() AS n FROM system.merges", format: "JSONEachRow" });
    const [row] = await result.json<{ n: number }>();
    if (row?.n === 0) return;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
};

const windowQuery = (minutes: number, endMs: number): WindowQuery => {
  const from = timestampOf(endMs - minutes * MINUTE_MS);
  return {
    application: "support-bot",
    releaseId: "rel-1",
    from,
    to: timestampOf(endMs),
    windowSeconds: 60,
    unitsSince: from,
    conversationsSince: from,
  };
};

/** Medians of rounds that alternate, so that a busy moment of the machine meets all of them. */
const medians = async (rounds: number, actions: ReadonlyArray<() => Promise<unknown>>) => {
  const times = actions.map(() => [] as Array<number>);
  for (let round = 0; round <= rounds; round++)
    for (const [i, action] of actions.entries()) {
      const elapsed = await timed(action);
      // The first round warms caches.
      if (round > 0) times[i]?.push(elapsed);
    }
  return times.map((values) => percentile(values, 0.5));
};

const queries = async ({ store, usableRollup, clients: { reader } }: Opened, endMs: number) => {
  const end = Math.floor(endMs / MINUTE_MS) * MINUTE_MS;
  const check = windowQuery(30, end);
  const [fromRollup, fromRaw] = [await run(store.windows(check)), await run(selectWindows(reader, check, 0))];
  const equal = JSON.stringify(fromRollup) === JSON.stringify(fromRaw);
  table.push(["windows of 30 min, rollup against raw rows", "equal", equal ? "equal" : "DIFFERENT", equal]);

  /** As the store does it, up to a bound that is asked for; the bound 0 is raw rows alone. */
  const counts = (query: WindowQuery, bound: Effect.Effect<number, TelemetryError>) => () =>
    run(Effect.flatMap(bound, (boundMs) => selectWindowCounts(reader, query, boundMs)));
  const floor = async () => (await reader.query({ query: "SELECT 1", format: "JSONEachRow" })).json();
  const [rollup = 0, raw = 0, upToNow = 0, whole = 0, least = 0] = await medians(15, [
    counts(check, usableRollup(check)),
    counts(check, Effect.succeed(0)),
    counts(check, Effect.succeed(end - 2 * MINUTE_MS)),
    () => run(store.windows(check)),
    floor,
  ]);
  table.push(["SELECT 1, in the same rounds: what the machine is busy with beside", "–", ms(least), null]);
  table.push([`window query, 30 min at ${rows / MILLION} M rows (p50)`, "≤ 20 ms", ms(rollup), rollup <= 20]);
  table.push(["  against raw rows", "≥ 5 ×", `${(raw / rollup).toFixed(1)} × (raw ${ms(raw)})`, raw / rollup >= 5]);
  table.push([
    "  the same while its last two minutes are not rolled up (several writers, or late rows)",
    "–",
    `${ms(upToNow)} (${(raw / upToNow).toFixed(1)} ×)`,
    null,
  ]);
  const latest = { ...check, from: timestampOf(end - 4 * MINUTE_MS) };
  const [look = 0] = await medians(15, [() => run(store.windows(latest))]);
  table.push(["  with units and conversations, all 30 windows", "–", ms(whole), null]);
  table.push(["  with units and conversations, the last 4 (a look of the controller)", "–", ms(look), null]);

  const day = windowQuery(24 * 60, end);
  const [dayRollup = 0] = await medians(5, [counts(day, usableRollup(day))]);
  table.push(["window query, 24 h (p50)", "≤ 150 ms", ms(dayRollup), dayRollup <= 150]);
};

/** Over at least one minute's end. */
const LIVE_SECONDS = 75;

/**
 * Traffic of the same density comes in second by second, and what is closed is looked at after each, as the controller does:
 * once after the pause, of which every second look is at raw rows, then in rounds that alternate, as with the other figures.
 */
const runningCanary = async ({ store, usableRollup, keepRolledUp, clients }: Opened, endMs: number) => {
  const filledMs = Date.now();
  const missing = Math.round(((filledMs - endMs) / 86_400_000) * rows);
  await clients.writer.command({ query: dayOfTraffic(endMs, { from: rows, to: rows + missing, all: rows }) });
  await mergesAreDone(clients.reader);
  const rolling = Effect.runFork(keepRolledUp);
  const startMs = Date.now();
  const times = { rolledUp: [] as Array<number>, raw: [] as Array<number> };
  const afterPause = { rolledUp: [] as Array<number>, raw: [] as Array<number> };
  let withTail = 0;
  for (let second = 1; second <= LIVE_SECONDS; second++) {
    const endedMs = startMs + second * 1_000;
    await pause(endedMs - Date.now());
    await run(store.insertObservations([batchOfPayloads("support-bot", Math.round(rows / 86_400), endedMs)]));
    await pause(500 * Math.random());
    const closedMs = Math.floor(endedMs / MINUTE_MS) * MINUTE_MS;
    const query = windowQuery(30, closedMs);
    const look = (bound: Effect.Effect<number, TelemetryError>) =>
      timed(() => run(Effect.flatMap(bound, (boundMs) => selectWindowCounts(clients.reader, query, boundMs))));
    if ((await run(usableRollup(query))) < closedMs) withTail += 1;
    const looks = { rolledUp: usableRollup(query), raw: Effect.succeed(0) };
    const kind = second % 2 === 0 ? "raw" : "rolledUp";
    afterPause[kind].push(await look(looks[kind]));
    for (let round = 0; round < 3; round++) {
      times.rolledUp.push(await look(looks.rolledUp));
      times.raw.push(await look(looks.raw));
    }
  }
  await run(Fiber.interrupt(rolling));
  const medianOf = (values: ReadonlyArray<number>) => percentile(values, 0.5);
  const [rolledUp, raw] = [medianOf(times.rolledUp), medianOf(times.raw)];
  table.push(["window query of a running canary, 30 min (p50)", "≤ 20 ms", ms(rolledUp), rolledUp <= 20]);
  table.push(["  against raw rows", "≥ 5 ×", `${(raw / rolledUp).toFixed(1)} × (raw ${ms(raw)})`, raw / rolledUp >= 5]);
  table.push([
    "  the first after a pause of a second, in which caches are lost",
    "–",
    `${ms(medianOf(afterPause.rolledUp))} (raw ${ms(medianOf(afterPause.raw))})`,
    null,
  ]);
  table.push(["  looks that met a minute not rolled up yet", "–", `${withTail} of ${LIVE_SECONDS}`, null]);
};

const pause = (durationMs: number) => new Promise((resolve) => setTimeout(resolve, Math.max(0, durationMs)));

const ingest = async ({ store }: Opened) => {
  const batches = Array.from({ length: 60 }, () => batchOfPayloads("ingest-bot", 1_000, Date.now()));
  await run(store.insertObservations(batches.slice(0, 5)));
  const elapsed = await timed(async () => {
    for (const batch of batches.slice(5)) await run(store.insertObservations([batch]));
  });
  const rate = (55_000 / elapsed) * 1_000;
  table.push([
    "ingest, batches of 1,000 with 1 KB of text",
    "≥ 15,000 rows/s",
    `${rate.toFixed(0)} rows/s`,
    rate >= 15_000,
  ]);
};

const insertTimes = async (store: Opened["store"], during: () => boolean) => {
  const times: Array<number> = [];
  while (during()) {
    const batch = batchOfPayloads("ingest-bot", 1_000, Date.now());
    times.push(await timed(() => run(store.insertObservations([batch]))));
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return times;
};

/** A statement on the reader's connection that keeps it for about three seconds, with one thread. */
const slowQuery = "SELECT sleepEachRow(0.05) FROM numbers(60) SETTINGS max_block_size = 1, max_threads = 1";
const heavyQuery = "SELECT sum(cityHash64(number)) FROM numbers(HOWMANY) SETTINGS max_threads = 1";

const isolation = async ({ store, clients: { reader } }: Opened) => {
  const idle: Array<number> = [];
  const busy: Array<number> = [];
  const read = async (query: string) => (await reader.query({ query, format: "JSONEachRow" })).json();
  const perSecond =
    (100 * MILLION) / ((await timed(() => read(heavyQuery.replace("HOWMANY", String(100 * MILLION))))) / 1_000);
  const three = heavyQuery.replace("HOWMANY", String(Math.round(perSecond * 3)));
  for (const query of [slowQuery, three, slowQuery, three]) {
    const until = performance.now() + 3_000;
    idle.push(...(await insertTimes(store, () => performance.now() < until)));
    let running = true;
    const reading = read(query).finally(() => {
      running = false;
    });
    busy.push(...(await insertTimes(store, () => running)));
    await reading;
  }
  const [quiet, loaded] = [percentile(idle, 0.99), percentile(busy, 0.99)];
  table.push([
    "insert p99 while a 3 s query runs",
    "≤ 2 × idle",
    `${(loaded / quiet).toFixed(2)} × (${ms(quiet)} → ${ms(loaded)}; p50 ${ms(percentile(idle, 0.5))} → ${ms(percentile(busy, 0.5))})`,
    loaded <= 2 * quiet,
  ]);
};

const eventLoop = async ({ store }: Opened) => {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  const seconds = 10;
  const perSecond = 5_000;
  const batchSize = 1_000;
  let inserted = 0;
  // Made beforehand: what is measured is what inserting does to the loop.
  const batches = Array.from({ length: (seconds * perSecond) / batchSize }, () =>
    batchOfPayloads("loop-bot", batchSize, Date.now()),
  );
  delay.enable();
  const startedAt = performance.now();
  for (const batch of batches) {
    await run(store.insertObservations([batch]));
    inserted += batchSize;
    const ahead = (inserted / perSecond) * 1_000 - (performance.now() - startedAt);
    if (ahead > 0) await new Promise((resolve) => setTimeout(resolve, ahead));
  }
  const elapsed = (performance.now() - startedAt) / 1_000;
  delay.disable();
  // The monitor counts its own resolution in.
  const p99 = delay.percentile(99) / 1e6 - 1;
  table.push([
    `event loop p99 at ${(inserted / elapsed).toFixed(0)} records/s`,
    "≤ 5 ms",
    `${ms(p99)} (max ${ms(delay.max / 1e6)})`,
    p99 <= 5,
  ]);
};

const print = () => {
  const width = Math.max(...table.map(([line]) => line.length));
  for (const [line, target, measured, met] of table)
    console.log(`${met === null ? " " : met ? "✓" : "✗"} ${line.padEnd(width)}  ${target.padEnd(16)} ${measured}`);
};

await run(
  Effect.scoped(
    Effect.gen(function* () {
      const opened = yield* openClickHouse({ path });
      const endMs = Date.now() - 5_000;
      for (const measure of [ingest, eventLoop, isolation]) {
        yield* Effect.promise(() => measure(opened));
        yield* Effect.promise(() => mergesAreDone(opened.clients.reader));
      }
      yield* Effect.promise(() => fill(opened, endMs));
      yield* Effect.promise(() => queries(opened, endMs));
      yield* Effect.promise(() => runningCanary(opened, endMs));
    }),
  ),
).finally(() => rmSync(path, { recursive: true, force: true }));
print();
