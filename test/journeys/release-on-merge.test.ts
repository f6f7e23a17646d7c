import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { evalSetOf, startModelServer } from "@sluice/simulator";
import { afterEach, expect, it } from "vitest";
import { parse } from "yaml";
import { playSteps, type Step } from "../support/played-steps.ts";
import { registryAt } from "../support/registry.ts";
import { SluiceProcess, sluice } from "../support/sluice-process.ts";

// The example workflow for merges, step by step, against a registry and a simulated model.

const root = fileURLToPath(new URL("../../", import.meta.url));
const closing: Array<() => unknown> = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const behaviour = {
  ...{ wrongRate: { otherwise: 0.05 }, proseRate: { otherwise: 0.02 }, leakRate: 0, overRefusalRate: 0, errorRate: 0 },
  ...{ latencyMedianMs: 1, latencySigma: 0.1, capacityPerSecond: null },
};

it("a merged change becomes a release with what the pull request knows, compared with what is at 100 %", async () => {
  const folder = await mkdtemp(join(tmpdir(), "sluice-merge-"));
  closing.push(() => rm(folder, { recursive: true, force: true }));
  const models = await startModelServer({ port: 0, seed: 7, models: { "shop-1": behaviour } });
  closing.push(models.close);
  const up = new SluiceProcess(["up", "--data", join(folder, "data"), "--port", "0", "--gateway-port", "0"]);
  closing.push(() => up.kill("SIGKILL"));
  await up.said(/^ready/m);
  const [, url = ""] = await up.said(/^registry (\S+)$/m);
  const token = up.stdout.match(/^admin token .*: (\S+)$/m)?.[1] ?? "";

  const workspace = join(folder, "repository");
  await mkdir(join(workspace, "evals"), { recursive: true });
  const write = (file: string, content: string) => writeFile(join(workspace, file), content);
  const configuration = (prompt: string) =>
    `version: 1\napplication: shop\nteam: shop-team\nevalSet: evals/cases.jsonl\nbundle:\n  prompt: [{ role: system, content: "${prompt}" }]\n  model: { provider: simulated, model: shop-1 }\n`;
  const cases = evalSetOf({ "single-item": 80 }).map(({ caseId, text, expected }) => ({
    ...{ case_id: caseId, input: text, expected, scorer: { kind: "numeric", field: "amount" } },
  }));
  await write("evals/cases.jsonl", cases.map((line) => JSON.stringify(line)).join("\n"));
  await write("providers.json", JSON.stringify({ simulated: { baseUrl: models.baseUrl } }));
  await write("sluice.yaml", configuration("Sell."));
  const environment = { SLUICE_URL: url, SLUICE_TOKEN: token };
  const registered = await sluice(["application", "register", "--config", join(workspace, "sluice.yaml")], environment);
  expect(registered.code, registered.stderr).toBe(0);

  await write("sluice.yaml", configuration("Answer as briefly as you can."));
  // Where the workflow checks Sluice out.
  await mkdir(join(workspace, ".sluice/source"), { recursive: true });
  for (const part of ["node_modules", "packages"])
    await symlink(join(root, part), join(workspace, ".sluice/source", part));
  await cp(join(root, "package.json"), join(workspace, ".sluice/source/package.json"));

  const workflow = parse(await readFile(join(root, "examples/workflows/release-on-merge.yml"), "utf8"));
  const steps = (workflow.jobs.release.steps as ReadonlyArray<Step>).filter(({ run }) => !run?.includes("install"));
  const pullRequest = {
    ...{ merge_commit_sha: "4f2c1d0", merged_at: "2026-03-01T09:00:00Z", title: "Shorter answers" },
    html_url: "https://github.example/shop/bot/pull/5",
  };
  const played = await playSteps(steps, { workspace, event: { pull_request: pullRequest }, environment }, (name) =>
    name.startsWith("secrets.") ? "" : undefined,
  );
  // The release's gate blocks it: the job's exit code is its answer.
  expect([played.exitCode, played.failedStep], played.log).toEqual([3, `step-${steps.length - 1}`]);

  const registry = registryAt(url, token);
  const { releases } = (await registry.call("GET", "/v1/releases?application=shop")) as {
    releases: ReadonlyArray<{ releaseId: string; phase: string }>;
  };
  expect(releases.map(({ phase }) => phase)).toEqual(["blocked"]);
  const request = JSON.stringify(await registry.call("GET", `/v1/releases/${releases[0]?.releaseId}`));
  for (const known of ["4f2c1d0", "2026-03-01T09:00:00.000Z", pullRequest.html_url, "Shorter answers", "shop-team"])
    expect(request).toContain(known);
});
