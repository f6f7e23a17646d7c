import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

let directory: string;
let child: ChildProcess | null = null;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "sluice-gateway-main-"));
});
afterEach(async () => {
  child?.kill("SIGKILL");
  await rm(directory, { recursive: true });
});

const launch = async (settings: object, more: Record<string, string> = {}) => {
  const file = join(directory, "settings.json");
  await writeFile(file, JSON.stringify(settings));
  const started = spawn(process.execPath, [new URL("./main.ts", import.meta.url).pathname], {
    // Port 1 of loopback: nobody is there, and that is found out at once.
    env: { ...process.env, SLUICE_GATEWAY_SETTINGS: file, KAFKA_BROKERS: "127.0.0.1:1", ...more },
    stdio: ["ignore", "pipe", "inherit"],
  });
  child = started;
  let output = "";
  started.stdout.on("data", (text) => {
    output += String(text);
  });
  return {
    started,
    log: () => output,
    said: async (pattern: RegExp): Promise<RegExpExecArray> => {
      for (;;) {
        const found = pattern.exec(output);
        if (found) return found;
        if (started.exitCode !== null) throw new Error(`the process ended without ${pattern}: ${output}`);
        await Promise.race([once(started.stdout, "data"), once(started, "exit")]);
      }
    },
  };
};

describe("the process", () => {
  it("serves with Kafka down, keeps secrets out of its log, and ends in good order", async () => {
    const { started, said, log } = await launch(
      { providers: {}, port: 0, startTimeoutMs: 50 },
      { SLUICE_PROBE_KEY: "very-secret", SLUICE_GATEWAY_CLIENT_KEYS: "one-secret, two-secret" },
    );
    const [, address] = await said(/"address":"([^"]+)"/);
    expect((await fetch(`${address}/healthz`)).status).toBe(200);
    expect((await fetch(`${address}/readyz`)).status).toBe(503);
    expect((await fetch(`${address}/v1/models`)).status).toBe(401);
    const models = await fetch(`${address}/v1/models`, { headers: { authorization: "Bearer two-secret" } });
    expect(models.status).toBe(200);
    started.kill("SIGTERM");
    const [code] = await once(started, "exit");
    expect(code).toBe(0);
    expect(log()).not.toContain("secret");
  });

  it("names the field of a mistake and ends with 2", async () => {
    const { started, said } = await launch({ providers: { openai: { baseUrl: "api.openai.com" } } });
    const [code] = await once(started, "exit");
    expect(code).toBe(2);
    const [line] = await said(/.*baseUrl.*/);
    expect(line).toContain("https://api.openai.com/v1");
  });
});
