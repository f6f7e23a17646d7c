import { spawnSync } from "node:child_process";
import { closeSync, existsSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { newSigningKey, readSigningKey } from "@sluice/transparency";
import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import { afterAll, afterEach, describe, expect, it, vi } from "vitest";
import { codeOf, commandLine } from "./command-line.ts";
import { printable } from "./printable.ts";

const main = fileURLToPath(new URL("./main.ts", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "sluice-hostile-"));
afterAll(() => rmSync(folder, { recursive: true }));

const write = (name: string, text: string) => {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
};
const binary = join(folder, "binary.yaml");
writeFileSync(binary, Buffer.from([0x7f, 0x45, 0x4c, 0x46, 0x9b, 0x32, 0x4a]));
const pipe = join(folder, "pipe");
spawnSync("mkfifo", [pipe]);
const KEY = Result.getOrThrow(readSigningKey(newSigningKey("sluice/record"))).verifierKey;

/** As `main.ts` runs it, in this process: a process for each of many lines would cost a second each. */
const sluice = async (args: ReadonlyArray<string>) => {
  let [stdout, stderr] = ["", ""];
  vi.spyOn(process.stdout, "write").mockImplementation((text) => {
    stdout += String(text);
    return true;
  });
  vi.spyOn(process.stderr, "write").mockImplementation((text) => {
    stderr += String(text);
    return true;
  });
  const exit = await Effect.runPromiseExit(commandLine(args));
  const status = exit._tag === "Success" ? 0 : codeOf(exit.cause);
  return { status, stdout, stderr };
};
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

const configuration = (bundle: string) =>
  `version: 1\napplication: a\nteam: t\nbundle:\n  ${bundle}\n  model: { provider: p, model: m }\n`;

describe("one sentence and exit code 2", () => {
  it.each([
    ["a device as a policy", ["policy", "validate", "/dev/zero"], /\/dev\/zero: is larger than 1 MiB/],
    [
      "a device as providers",
      ["up", "--data", folder, "--providers", "/dev/zero"],
      /--providers .*: is larger than 1 MiB/,
    ],
    [
      "a webhook that is none, without showing it",
      ["page", "test", "--page-webhook", "hooks.example/secret"],
      /^sluice: --page-webhook is no http or https address; give one$/m,
    ],
    [
      "channels of no kind",
      ["page", "test", "--pages", write("kind.json", '{"channels":[{"kind":"fax","name":"s"}]}')],
      /kind\.json: channels\[0\]: expected kind "pagerduty" \| kind/,
    ],
    [
      "a period that ends before it begins",
      ["audit", "replay", "--since", "2026-02-01", "--until", "2026-01-01"],
      /--until is 2026-01-01T00:00:00.000Z, and --since is .*; give a later --until/,
    ],
    [
      "a key that no header can carry",
      ["release", "request", "--idempotency-key", "k 🧪"],
      /--idempotency-key is k 🧪; give 1 to 200 of letters/,
    ],
    ["a device as channels", ["page", "test", "--pages", "/dev/zero"], /--pages \/dev\/zero: is larger than 1 MiB/],
    ["a device as a passport", ["audit", "verify", "/dev/zero", "--key", KEY], /\/dev\/zero: is larger than 256 MiB/],
    [
      "a pipe without a writer as a record",
      ["audit", "verify", pipe, "--key", KEY],
      /pipe: is a named pipe, which may/,
    ],
    [
      "a pipe without a writer as webhooks",
      ["up", "--data", folder, "--webhooks", pipe],
      /--webhooks \S+: is a named pipe/,
    ],
    ["an empty file as a policy", ["policy", "validate", write("empty.yaml", "")], /is empty, and says no rule/],
    ["a pipe without a writer as a policy", ["policy", "validate", pipe], /is a named pipe, which may have no writer/],
    ["a pipe without a writer as results", ["gate", "--pairs", pipe], /is a named pipe, which may have no writer/],
    [
      "a value that looks like flags",
      ["release", "override", "rel-1", "--reason", "r", "--expires", "-1h"],
      /--expires is -1h; give 90m/,
    ],
    ["an address that is none", ["release", "list", "--url", "nonsense"], /address is nonsense; give one such as/],
    [
      "an address with a password, without showing it",
      ["release", "list", "--url", "http://ada:hunter2@127.0.0.1"],
      /^sluice: the registry's address holds a name or password; give it without, and SLUICE_TOKEN$/m,
    ],
    [
      "an address with a query",
      ["release", "list", "--url", "http://a/?b=c"],
      /address is http:\/\/a\/\?b=c; give one/,
    ],
    ["a cluster without --print", ["migrate", "--cluster", "c"], /--cluster is for --print/],
    ["a port that is none", ["up", "--port", "99999"], /--port.*99999.*between 0 and 65535/],
    [
      "a misspelt key",
      ["policy", "validate", write("key.yaml", "version: 1\napplication: a\npolcy: {}\n")],
      /polcy is no setting; remove it or correct its name/,
    ],
    [
      "aliases that unfold without end",
      [
        "policy",
        "validate",
        write(
          "bomb.yaml",
          `a: &a [1]\n${[..."bcdefgh"].map((k, i) => `${k}: &${k} [${Array(9).fill(`*${"abcdefg"[i]}`)}]`).join("\n")}\n`,
        ),
      ],
      /aliases unfold/,
    ],
    [
      "a prompt from outside the repository",
      ["application", "register", "--config", write("out.yaml", configuration("promptFile: ../../etc/passwd"))],
      /bundle\.promptFile is \.\.\/\.\.\/etc\/passwd; name a file in the directory/,
    ],
    [
      "a prompt by an absolute path",
      ["application", "register", "--config", write("abs.yaml", configuration("promptFile: /etc/passwd"))],
      /bundle\.promptFile is \/etc\/passwd; name a file in the directory/,
    ],
    [
      "an erasure of nobody",
      ["erase", "a", "--user", "", "--reason", "r"],
      /--user is empty; give a value, or check the variable/,
    ],
    ["an id of nothing", ["release", "watch", ""], /an argument is empty; give a value, or check the variable/],
    [
      "an id that is none",
      ["release", "watch", "../x"],
      /release is \.\.\/x; give 1 to 100 of letters, .*; see sluice release watch --help/,
    ],
    [
      "a binary file as a policy",
      ["gate", "--pairs", pipe, "--policy", binary],
      /binary\.yaml: is not UTF-8 text; give the right file/,
    ],
    ["a text as a policy", ["policy", "validate", write("text.yaml", "hello")], /text\.yaml: holds no settings; write/],
    [
      "channels that are no JSON, without showing them",
      ["page", "test", "--pages", write("pages.json", 'secret"')],
      /^sluice: --pages \S+pages\.json: is not JSON; look for a missing comma, quote or bracket$/m,
    ],
    ["a cluster key of two lines", ["erase", "a", "--cluster-key", "x\ny", "--reason", "r"], /no cluster key has/],
    ["a list of erasures that names one", ["erase", "a", "--list", "--user", "u"], /--list shows every erasure/],
    ["a folder as a key", ["audit", "verify", pipe, "--key", folder], /--key .*: cannot be read \(EISDIR\)/],
    ["a key that is no file", ["audit", "verify", pipe, "--key", "no.pub"], /no\.pub is no file, and is no public key/],
    ["a folder as providers", ["up", "--providers", folder], /--providers .*: cannot be read \(EISDIR\); check/],
    [
      "providers that are no JSON, without showing them",
      ["up", "--providers", write("broken.json", 'secret"')],
      /^sluice: --providers \S+broken\.json: is not JSON; look for a missing comma, quote or bracket$/m,
    ],
  ])("answer %s", async (_name, args, sentence) => {
    const { status, stdout, stderr } = await sluice(args);
    expect([status, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(sentence);
    expect(stderr.trim().split("\n")).toHaveLength(1);
    expect(stderr.trim()).not.toMatch(/\p{Cc}/u);
  });

  it("answer a token that is none, without showing it", async () => {
    vi.stubEnv("SLUICE_TOKEN", "sec\nret");
    const { status, stderr } = await sluice(["release", "list"]);
    expect(status).toBe(2);
    expect(stderr).toMatch(/^sluice: SLUICE_TOKEN holds a character/);
    expect(stderr).not.toMatch(/sec|ret\b/);
  });
});

it("text from elsewhere moves neither the cursor nor the reading direction", () => {
  expect(printable("a\u001b[2Jb\u202ec\nd\u2028e – ü 🧪")).toBe("a\u{fffd}[2Jb\u{fffd}c\u{fffd}d\u{fffd}e – ü 🧪");
});

const spawned = (args: ReadonlyArray<string>) =>
  spawnSync(process.execPath, [main, ...args], { encoding: "utf8", timeout: 30_000, killSignal: "SIGKILL" });

it.skipIf(!existsSync("/dev/full"))("an answer that cannot be written is a failure, told in one sentence", () => {
  const full = openSync("/dev/full", "w");
  const { status, stderr } = spawnSync(process.execPath, [main, "audit", "key"], {
    encoding: "utf8",
    stdio: ["ignore", full, "pipe"],
    timeout: 30_000,
  });
  closeSync(full);
  expect(status).toBe(1);
  expect(stderr).toMatch(/^sluice: standard output cannot be written \(ENOSPC\); .*\n$/);
});

describe("a start that fails", () => {
  it("keeps no token that nobody saw", () => {
    const providers = write(
      "providers.json",
      '{"openai":{"baseUrl":"http://127.0.0.1:9/v1","apiKeyEnv":"NO_SUCH_KEY"}}',
    );
    const { status, stdout, stderr } = spawned([
      "up",
      "--data",
      join(folder, "data"),
      "--port",
      "0",
      "--gateway-port",
      "0",
      "--providers",
      providers,
    ]);
    expect([status, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(/NO_SUCH_KEY/);
  });
});
