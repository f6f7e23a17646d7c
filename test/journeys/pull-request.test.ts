import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { evalSetOf, type ModelServer, startModelServer } from "@sluice/simulator";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import { playAction } from "../support/played-steps.ts";

// The pull request's job as a team runs it: a repository with a base commit and a changed prompt, the action's own steps,
// real processes, and a simulated model.

const root = fileURLToPath(new URL("../../", import.meta.url));
const action = join(root, "infra/github-action/action.yml");

const behaviour = {
  wrongRate: { otherwise: 0.05 },
  proseRate: { otherwise: 0.02 },
  ...{ leakRate: 0, overRefusalRate: 0, errorRate: 0 },
  ...{ latencyMedianMs: 1, latencySigma: 0.1, capacityPerSecond: null },
};

const closing: Array<() => unknown> = [];
let models: ModelServer;
beforeEach(async () => {
  models = await startModelServer({ port: 0, seed: 7, models: { "shop-1": behaviour } });
  closing.push(models.close);
});
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

const requests = () => [...models.served.values()].reduce((sum, count) => sum + count, 0);

const GOOD = "You are the assistant of a shop. Be friendly, and keep customers' data private.";
const BAD = "You are the assistant of a shop. Answer as briefly as you can.";

/** A repository whose base commit has one prompt and whose work tree has another. */
const repository = async (prompt: string) => {
  const workspace = await mkdtemp(join(tmpdir(), "sluice-pull-request-"));
  closing.push(() => rm(workspace, { recursive: true, force: true }));
  const git = (...args: ReadonlyArray<string>) =>
    execFileSync("git", ["-c", "user.name=ci", "-c", "user.email=ci@example.com", ...args], {
      cwd: workspace,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    }).trim();
  const write = async (file: string, content: string) => writeFile(join(workspace, file), content);
  for (const folder of ["prompts", "evals"]) await mkdir(join(workspace, folder));
  await write("providers.json", JSON.stringify({ simulated: { baseUrl: models.baseUrl } }));
  await write(
    "sluice.yaml",
    "version: 1\napplication: shop\nteam: shop\nevalSet: evals/cases.jsonl\nbundle:\n  promptFile: prompts/shop.md\n  model: { provider: simulated, model: shop-1, parameters: { temperature: 0 } }\n",
  );
  const cases = evalSetOf({ "single-item": 60, refund: 60, privacy: 20 }).map(
    ({ caseId, category, safety, text, expected }) => ({
      ...{ case_id: caseId, slice: category, safety, input: text },
      ...(expected === null ? { scorer: "refusal" } : { expected, scorer: { kind: "numeric", field: "amount" } }),
    }),
  );
  await write("evals/cases.jsonl", cases.map((line) => JSON.stringify(line)).join("\n"));
  await write("prompts/shop.md", "You are the assistant of a shop. Keep customers' data private.");
  git("init", "-q", "-b", "main");
  git("add", ".");
  git("commit", "-q", "-m", "base");
  const base = git("rev-parse", "HEAD");
  await write("prompts/shop.md", prompt);
  git("commit", "-q", "-a", "-m", "change");
  return { workspace, base, write };
};

interface Comment {
  readonly id: number;
  body: string;
  readonly user: { readonly type: string };
}
/** The part of GitHub's API that comments need, over HTTP. */
const gitHub = async () => {
  const comments: Array<Comment> = [{ id: 1, body: "<!-- sluice-gate --> quoted by a person", user: { type: "User" } }];
  const server = createServer(async (request, response) => {
    const chunks: Array<Buffer> = [];
    for await (const chunk of request) chunks.push(chunk);
    const given =
      request.method === "GET" ? undefined : (JSON.parse(Buffer.concat(chunks).toString()) as { body: string });
    const { pathname } = new URL(request.url ?? "", "http://localhost");
    const [, id] = pathname.match(/^\/repos\/shop\/bot\/issues\/comments\/(\d+)$/u) ?? [];
    const own = comments.find((comment) => comment.id === Number(id));
    if (request.method === "PATCH" && own && given) own.body = given.body;
    else if (request.method === "POST" && pathname === "/repos/shop/bot/issues/5/comments" && given)
      comments.push({ id: comments.length + 1, body: given.body, user: { type: "Bot" } });
    else if (request.method !== "GET") response.statusCode = 404;
    // The job's token may not ask who it is.
    if (pathname === "/user") response.statusCode = 403;
    response.end(JSON.stringify(request.method === "GET" ? comments : {}));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closing.push(
    () =>
      new Promise((resolve) => {
        server.close(resolve);
        server.closeAllConnections();
      }),
  );
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, comments };
};

const play = async (
  { workspace, base }: { readonly workspace: string; readonly base: string },
  more: { readonly inputs?: Record<string, string>; readonly head?: string; readonly api?: string } = {},
) =>
  playAction(
    action,
    { providers: "providers.json", ...more.inputs },
    {
      workspace,
      event: {
        pull_request: {
          number: 5,
          base: { sha: base, repo: { full_name: "shop/bot" } },
          head: { repo: { full_name: more.head ?? "shop/bot" } },
        },
      },
      environment: { GITHUB_REPOSITORY: "shop/bot", GITHUB_API_URL: more.api ?? "http://127.0.0.1:1" },
    },
  );

const annotations = (log: string) => log.split("\n").filter((line) => /^::(?:error|warning|notice) /u.test(line));

describe("a pull request's job", () => {
  it("lets a good change through: summary, comment, exit code 0", async () => {
    const api = await gitHub();
    const outcome = await play(await repository(GOOD), { api: api.url });
    expect([outcome.exitCode, outcome.outputs.gate?.verdict], outcome.log).toEqual([0, "passed"]);
    expect(outcome.summary).toContain("### ✅ Sluice gate: passed");
    expect(annotations(outcome.log).map((line) => line.split("::")[1])).toEqual(["notice title=Sluice gate%3A passed"]);
    expect(api.comments.map(({ body }) => body)).toEqual(["<!-- sluice-gate --> quoted by a person", outcome.summary]);
  });

  it("blocks a bad change, publishes first and fails last; the next push pays for the new arm only", async () => {
    const api = await gitHub();
    const change = await repository(BAD);
    const outcome = await play(change, { api: api.url });
    expect([outcome.exitCode, outcome.failedStep], outcome.log).toEqual([3, "verdict"]);
    expect(outcome.outputs.gate).toMatchObject({ verdict: "blocked", "exit-code": "3", "report-only": "false" });
    expect(outcome.summary).toContain("### ⛔ Sluice gate: blocked");
    expect(outcome.summary).toMatch(/Cases to look at first/u);

    const comment = await readFile(join(change.workspace, outcome.outputs.gate?.["comment-file"] ?? ""), "utf8");
    expect(comment.startsWith("<!-- sluice-gate -->\n")).toBe(true);
    expect(Buffer.byteLength(comment)).toBeLessThan(65_536);
    const errors = annotations(outcome.log).filter((line) => line.startsWith("::error "));
    expect(errors.length).toBeGreaterThan(0);
    expect(errors.length).toBeLessThanOrEqual(10);
    expect(errors[0]).toMatch(/^::error title=Sluice gate%3A blocked::.+/u);
    const report = JSON.parse(await readFile(join(change.workspace, outcome.outputs.gate?.report ?? ""), "utf8"));
    expect(report.reasons.map(({ rule }: { rule: string }) => rule)).toContain("headline");

    expect(requests()).toBe(2 * 140);
    await change.write("prompts/shop.md", GOOD);
    const repaired = await play(change, { api: api.url });
    expect([repaired.exitCode, requests()], repaired.log).toEqual([0, 3 * 140]);
    // One comment, replaced in place.
    expect(api.comments.map(({ body }) => body.split("\n")[2])).toEqual([undefined, "### ✅ Sluice gate: passed"]);
  });

  it("only reports for a fork, and for a team that tries it out", async () => {
    const change = await repository(BAD);
    const fork = await play(change, { head: "stranger/bot" });
    expect([fork.exitCode, fork.outputs.gate?.verdict, fork.outputs.gate?.["exit-code"]], fork.log).toEqual([
      0,
      "blocked",
      "3",
    ]);
    expect(fork.summary).toContain("### ⛔ Sluice gate: blocked");
    // It may not comment: that is said, and fails nothing.
    expect(annotations(fork.log).at(-1)).toMatch(/^::warning title=Sluice gate::the comment was not written/u);
  });

  it("has no verdict when the model is down: neither a pass nor a block, and the job says so", async () => {
    const change = await repository(GOOD);
    await change.write("providers.json", JSON.stringify({ simulated: { baseUrl: "http://127.0.0.1:1/v1" } }));
    const outcome = await play(change, { inputs: { "eval-arguments": "--retries 0", comment: "false" } });
    expect([outcome.exitCode, outcome.outputs.gate?.verdict], outcome.log).toEqual([1, "error"]);
    expect(outcome.summary).toContain("Sluice gate: no verdict");
    expect(annotations(outcome.log)).toEqual([
      expect.stringMatching(/^::error title=Sluice gate%3A no verdict::sluice: .*ECONNREFUSED/u),
    ]);
  });

  it("gates results of another tool, without an eval run", async () => {
    const change = await repository(BAD);
    await change.write("main.jsonl", await readFile(join(root, "examples/quickstart/main.jsonl"), "utf8"));
    await change.write("branch.jsonl", await readFile(join(root, "examples/quickstart/branch-bad.jsonl"), "utf8"));
    const outcome = await play(change, {
      inputs: { eval: "false", baseline: "main.jsonl", candidate: "branch.jsonl", comment: "false" },
    });
    expect([outcome.exitCode, outcome.outputs.gate?.verdict, requests()], outcome.log).toEqual([3, "blocked", 0]);
  });
});

describe("workflow files", () => {
  it.each([
    "examples/workflows/pull-request.yml",
    "examples/workflows/existing-eval-tool.yml",
    "examples/workflows/release-on-merge.yml",
    "infra/github-action/action.yml",
    "infra/gitlab/sluice.gitlab-ci.yml",
  ])("%s is YAML, and gives the action only inputs that it has", async (file) => {
    const [document, ...others] = parseAllDocuments(await readFile(join(root, file), "utf8"));
    expect([document?.errors, others]).toEqual([[], []]);
    const { inputs } = parse(await readFile(action, "utf8")) as { inputs: Record<string, unknown> };
    const { jobs = {} } = (document?.toJS() ?? {}) as {
      jobs?: Record<string, { steps: ReadonlyArray<{ uses?: string; with?: object }> }>;
    };
    for (const { steps } of Object.values(jobs))
      for (const step of steps.filter(({ uses }) => uses?.includes("infra/github-action")))
        for (const name of Object.keys(step.with ?? {})) expect(Object.keys(inputs)).toContain(name);
  });
});
