import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { evalSetOf, type ModelServer, startModelServer } from "@sluice/simulator";
import { afterEach, beforeEach, expect, it } from "vitest";
import { until } from "../support/registry.ts";
import { SluiceProcess, sluice } from "../support/sluice-process.ts";

// `sluice eval run` is killed half way, in several ways, and run again. The model server counts what it was asked.

const CASES = 120;
const CONCURRENCY = 6;

const closing: Array<() => unknown> = [];
let models: ModelServer;
let folder = "";
beforeEach(async () => {
  const behaviour = {
    ...{ wrongRate: { otherwise: 0.1 }, proseRate: { otherwise: 0 }, leakRate: 0, overRefusalRate: 0, errorRate: 0 },
    // Long enough that a kill meets requests under way.
    ...{ latencyMedianMs: 50, latencySigma: 0.3, capacityPerSecond: null },
  };
  models = await startModelServer({ port: 0, seed: 3, models: { "shop-1": behaviour } });
  folder = await mkdtemp(join(tmpdir(), "sluice-paid-"));
  closing.push(models.close, () => rm(folder, { recursive: true, force: true }));
  const cases = evalSetOf({ "single-item": CASES }).map(({ caseId, text, expected }) => ({
    ...{ case_id: caseId, input: text, expected, scorer: { kind: "numeric", field: "amount" } },
  }));
  await writeFile(join(folder, "cases.jsonl"), cases.map((line) => JSON.stringify(line)).join("\n"));
  await writeFile(
    join(folder, "sluice.yaml"),
    "version: 1\napplication: shop\nteam: shop\nevalSet: cases.jsonl\nbundle:\n  prompt: [{ role: system, content: Sell. }]\n  model: { provider: simulated, model: shop-1 }\n",
  );
});
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

const asked = () => models.served.get("shop-1 200") ?? 0;
const run = () => [
  ...["eval", "run", "--config", join(folder, "sluice.yaml"), "--endpoint", models.baseUrl, "--json"],
  ...["--concurrency", String(CONCURRENCY), "--cache", join(folder, "cache"), "--out", join(folder, "results.jsonl")],
];
const halfWay = () =>
  until(
    async () => asked(),
    (count) => count >= CASES / 2,
    5,
  );
/** Started as what people see and kill; a killed one's own streams stay open until its courier has ended. */
const killed = async (signal: NodeJS.Signals) => {
  const running = new SluiceProcess(run());
  await halfWay();
  running.kill(signal);
  return running;
};
const again = async () => {
  const ended = await sluice(run());
  expect(ended.code, ended.stderr).toBe(0);
  const results = (await readFile(join(folder, "results.jsonl"), "utf8")).trim().split("\n");
  expect(results.length).toBe(CASES);
  return { ...ended, summary: JSON.parse(ended.stdout) };
};

it("killed (SIGKILL) at half and run again at once, the model server counts every case once", async () => {
  await killed("SIGKILL");
  expect(asked()).toBeLessThan(CASES - CONCURRENCY);
  const { summary } = await again();
  expect(asked()).toBe(CASES);
  expect(summary.arms[0].reused).toBe(CASES - summary.requests.sent);
  // A third run has nothing left to ask, and says the same.
  const third = await again();
  expect([asked(), third.summary.requests.sent]).toEqual([CASES, 0]);
});

it("interrupted (Ctrl-C) it ends in good order with 130, and goes on from there", async () => {
  const ended = await (await killed("SIGINT")).ended;
  expect(ended.code).toBe(130);
  expect(ended.stderr).toMatch(/stopped: .* run the same command again to go on/u);
  await again();
  expect(asked()).toBe(CASES);
});

it("when the courier dies too, what was under way is asked again, and how many these are is said", async () => {
  const running = new SluiceProcess(run());
  await halfWay();
  const [directory = ""] = await readdir(join(folder, "cache"));
  process.kill(Number(await readFile(join(folder, "cache", directory, "lock.pid"), "utf8")), "SIGKILL");
  const ended = await running.ended;
  expect([ended.code, ended.stderr]).toEqual([
    1,
    expect.stringMatching(/ended by SIGKILL; run the same command again/u),
  ]);
  const { stderr } = await again();
  const [, lost = ""] = stderr.match(/; (\d+) of them were sent by a run that died/u) ?? [];
  expect(Number(lost)).toBeGreaterThan(0);
  expect(Number(lost)).toBeLessThanOrEqual(CONCURRENCY);
  // One that was written down as sent may not have left the process.
  expect(asked()).toBeGreaterThanOrEqual(CASES);
  expect(asked()).toBeLessThanOrEqual(CASES + Number(lost));
});
