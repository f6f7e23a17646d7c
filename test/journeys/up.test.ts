import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Bundle, referenceOf } from "@sluice/contracts";
import { afterEach, expect, it } from "vitest";
import { registryAt, until } from "../support/registry.ts";
import { SluiceProcess, sluice } from "../support/sluice-process.ts";

const folders: Array<string> = [];
const processes: Array<SluiceProcess> = [];
afterEach(async () => {
  for (const running of processes.splice(0)) running.kill("SIGKILL");
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});

const dataFolder = async () => {
  const folder = await mkdtemp(join(tmpdir(), "sluice-up-"));
  folders.push(folder);
  return join(folder, "data");
};

const up = async (data: string) => {
  const running = new SluiceProcess(["up", "--data", data, "--port", "0", "--gateway-port", "0"]);
  processes.push(running);
  await running.said(/^ready/m);
  const [, url = ""] = await running.said(/^registry (\S+)$/m);
  const [, key = ""] = await running.said(/^record {3}signed by (\S+)$/m);
  return { running, url, key, token: running.stdout.match(/^admin token .*: (\S+)$/m)?.[1] };
};

const bundle = (prompt: string): Bundle => ({
  prompt: { kind: "prompt", messages: [{ role: "system", content: prompt }] },
  model: { kind: "model", provider: "nobody", model: "m", parameters: {} },
});

it("stops in good order, and started again it continues every release where it was", async () => {
  const data = await dataFolder();
  const first = await up(data);
  const token = first.token ?? "";
  const registry = registryAt(first.url, token);
  const put = async (stored: Bundle) => {
    for (const part of Object.values(stored)) await registry.call("PUT", "/v1/artifacts", part);
    return referenceOf(stored);
  };
  const application = "support-bot";
  await registry.call("POST", "/v1/applications", { application, baseline: await put(bundle("a")) });
  const blocked = await registry.call("POST", "/v1/releases", {
    application,
    candidate: await put(bundle("b")),
    team: "support",
  });
  const { releaseId } = blocked as { releaseId: string };
  const phase = async (from: ReturnType<typeof registryAt>) => {
    const answer = await from.call("GET", `/v1/releases/${releaseId}`);
    return (answer as { release: { phase: string } }).release.phase;
  };
  // Without evidence the gate finds it invalid; overridden, it waits in its shadow for pairs that nobody sends.
  await until(
    () => phase(registry),
    (now) => now === "blocked",
  );
  // Who asked for it may not override its gate: somebody else does.
  const grace = await registry.call("POST", "/v1/tokens", { subject: "grace", role: "approver" });
  const approver = registryAt(first.url, (grace as { token: string }).token);
  await approver.call("POST", `/v1/releases/${releaseId}/override`, { reason: "to have a release in its shadow" });
  await until(
    () => phase(registry),
    (now) => now === "shadow",
  );
  const before = await registry.call("GET", `/v1/applications/${application}`);

  first.running.kill("SIGTERM");
  const ended = await first.running.ended;
  expect([ended.code, ended.stderr]).toEqual([0, ended.stderr]);

  const second = await up(data);
  expect(second.token, "the admin token is shown on the first start only").toBeUndefined();
  const reopened = registryAt(second.url, token);
  expect(await reopened.call("GET", `/v1/applications/${application}`)).toEqual(before);
  expect(await reopened.call("GET", "/v1/audit/verify")).toMatchObject({ faults: [] });
  const listed = await sluice(["token", "list", "--json", "--url", second.url], { SLUICE_TOKEN: token });
  const { tokens } = JSON.parse(listed.stdout) as { tokens: Array<{ tokenId: string; subject: string }> };
  expect(tokens.map(({ subject }) => subject)).toEqual(["grace", "admin"]);
  const revoke = await sluice(["token", "revoke", tokens[0]?.tokenId ?? "", "--url", second.url], {
    SLUICE_TOKEN: token,
  });
  expect([revoke.code, revoke.stdout]).toEqual([0, expect.stringMatching(/^tok-\S+ of grace opens nothing since /)]);
  await reopened.call("POST", `/v1/releases/${releaseId}/abort`, { reason: "seen enough" });
  expect(await phase(reopened)).toBe("aborted");

  const verified = await sluice(["audit", "verify", "--url", second.url], { SLUICE_TOKEN: token });
  expect(verified.code).toBe(0);
  expect(verified.stdout).toMatch(/^\d+ rows, unbroken chain/);
  await audited({ url: second.url, token, releaseId, folder: data, key: second.key });
});

/** What an auditor does with one release: files that prove themselves, decisions run again, what was served. */
const audited = async (of: { url: string; token: string; releaseId: string; folder: string; key: string }) => {
  const audit = (...args: ReadonlyArray<string>) => sluice(["audit", ...args], { SLUICE_TOKEN: of.token });
  const online = (...args: ReadonlyArray<string>) => audit(...args, "--url", of.url);
  const [passport, record] = [join(of.folder, "passport.json"), join(of.folder, "record.jsonl")];
  expect((await online("export", of.releaseId, "--out", passport)).code).toBe(0);
  expect((await online("export", "--all", "--out", record)).code).toBe(0);
  for (const file of [passport, record]) {
    const holds = await audit("verify", file, "--key", of.key);
    expect([holds.code, holds.stderr], file).toEqual([0, ""]);
    // One letter of a reason is another: the row is named.
    await writeFile(file, (await readFile(file, "utf8")).replaceAll("seen enough", "seen Enough"));
    const forged = await audit("verify", file, "--key", of.key);
    expect(forged.code, file).toBe(5);
    expect(forged.stderr).toMatch(/^sluice: this is not what was written: .*row.* position \d+/u);
  }
  const replayed = await online("replay", of.releaseId);
  expect([replayed.code, replayed.stdout]).toEqual([0, expect.stringMatching(/1 of 1 decisions come out the same/u)]);
  const at = await online("at", "support-bot", new Date().toISOString());
  expect([at.code, at.stdout]).toEqual([0, expect.stringMatching(/baseline {3}100 % of users {2}sha256:/u)]);
  expect((await stat(join(of.folder, "signing-key"))).mode & 0o777).toBe(0o600);
};

it("refuses a second process on the same directory in one sentence that names it and its owner", async () => {
  const data = await dataFolder();
  const first = await up(data);
  const second = await sluice(["up", "--data", data, "--port", "0", "--gateway-port", "0"]);
  expect(second.code).toBe(2);
  expect(second.stderr.trim()).toBe(
    `sluice: directory ${join(data, "postgres")} is in use by process ${first.running.pid}: stop that process or choose another directory`,
  );
  expect(second.stdout).toBe("");
});

it("a port in use is a mistake of the start, said in one sentence", async () => {
  const first = await up(await dataFolder());
  const port = new URL(first.url).port;
  const data = await dataFolder();
  const second = await sluice(["up", "--data", data, "--port", port, "--gateway-port", "0"]);
  expect(second.code).toBe(2);
  expect(second.stderr).toMatch(
    new RegExp(
      `^sluice: the registry cannot listen on 127\\.0\\.0\\.1:${port} \\(EADDRINUSE\\): stop what listens there, or choose another port\\n$`,
    ),
  );
  const third = new SluiceProcess(["up", "--data", data, "--port", "0", "--gateway-port", "0", "--json"]);
  processes.push(third);
  const [line] = await third.said(/^\{.*\}$/m);
  const { adminToken, registry } = JSON.parse(line);
  expect(adminToken, "a start that failed showed no admin token: the next one does").toMatch(/^sluice_/);
  expect((await fetch(`${registry}/readyz`)).status).toBe(200);
});
