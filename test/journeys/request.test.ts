import { copyFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SluiceProcess, sluice } from "../support/sluice-process.ts";

const quickstart = fileURLToPath(new URL("../../examples/quickstart", import.meta.url));

// The way of a repository's CI: its sluice.yaml, its results, one command whose exit code is the gate's answer.
describe("sluice release request", () => {
  let folder: string;
  let server: SluiceProcess;
  let environment: Readonly<Record<string, string>>;

  const inFolder = (name: string) => join(folder, name);
  const request = (candidate: string, ...flags: ReadonlyArray<string>) =>
    sluice(
      [
        ...["release", "request", "--config", inFolder("sluice.yaml"), "--wait", "gate"],
        ...["--baseline", inFolder("main.jsonl"), "--candidate", inFolder(candidate), ...flags],
      ],
      environment,
    );

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "sluice-request-"));
    for (const file of ["sluice.yaml", "main.jsonl", "branch-good.jsonl", "branch-bad.jsonl"])
      await copyFile(join(quickstart, file), inFolder(file));
    server = new SluiceProcess(["up", "--data", inFolder("data"), "--port", "0", "--gateway-port", "0"]);
    await server.said(/^ready/m);
    const [, url = ""] = await server.said(/^registry (\S+)$/m);
    environment = { SLUICE_URL: url, SLUICE_TOKEN: server.stdout.match(/^admin token .*: (\S+)$/m)?.[1] ?? "" };
    const registered = await sluice(["application", "register", "--config", inFolder("sluice.yaml")], environment);
    expect(registered.code, registered.stderr).toBe(0);
    // What is requested from here on is a change of the prompt.
    const configuration = await readFile(inFolder("sluice.yaml"), "utf8");
    await writeFile(inFolder("sluice.yaml"), configuration.replace(/content: .*/, "content: Answer politely."));
  });

  afterAll(async () => {
    server.kill("SIGTERM");
    await server.ended;
    await rm(folder, { recursive: true, force: true });
  });

  it("does not take results that nobody says what they are of", async () => {
    const ended = await request("branch-good.jsonl");
    expect(ended.code).toBe(5);
    expect(ended.stderr).toMatch(/^sluice: .*main\.jsonl\.manifest\.json is missing, which says .* --attest .*\n$/);
  });

  it("finds results of another bundle invalid, however good they are", async () => {
    const digest = (character: string) => `sha256:${character.repeat(64)}`;
    for (const file of ["main.jsonl", "branch-good.jsonl"])
      await writeFile(
        inFolder(`${file}.manifest.json`),
        JSON.stringify({ evalSet: digest("e"), bundle: digest("b"), producedAt: new Date().toISOString() }),
      );
    const ended = await request("branch-good.jsonl");
    expect([ended.code, ended.stdout]).toEqual([
      5,
      expect.stringMatching(/The evidence is about candidate sha256:b+,/),
    ]);
    for (const file of ["main.jsonl", "branch-good.jsonl"]) await rm(inFolder(`${file}.manifest.json`));
  });

  it("blocks the bad change with exit code 3", async () => {
    const ended = await request("branch-bad.jsonl", "--attest");
    expect([ended.code, ended.stderr]).toEqual([
      3,
      expect.stringMatching(/^In the recent past nobody .*\nsluice: rel-\w+ ended: blocked\n$/),
    ]);
  });

  it("lets the good change go on, and is one request however often it is sent", async () => {
    const first = await request("branch-good.jsonl", "--attest", "--idempotency-key", "merge-1");
    const second = await request("branch-good.jsonl", "--attest", "--idempotency-key", "merge-1");
    expect([first.code, second.code], `${first.stderr}${second.stderr}`).toEqual([0, 0]);
    const [id] = first.stdout.split("\n");
    expect(second.stdout.split("\n")[0]).toBe(id);
    const status = await sluice(["release", "status", id ?? ""], environment);
    expect(status.stdout).toMatch(/offline gate passed/);
  });
});
