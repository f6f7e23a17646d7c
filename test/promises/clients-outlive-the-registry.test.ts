import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ClientSettingsInput, type OpenOptions, openSluiceClient, type SluiceClient } from "@sluice/client";
import { referenceOf } from "@sluice/contracts";
import { startGateway } from "@sluice/gateway/testing/running-gateway";
import { application, wayTo } from "@sluice/release/testing/samples";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { bundle, type RunningRegistry, routingAt, startRegistry } from "../support/client-registry.ts";

let registry: RunningRegistry;
let directory: string;
const clients: Array<SluiceClient> = [];
const troubles: Array<string> = [];

beforeEach(async () => {
  registry = await startRegistry();
  directory = await mkdtemp(join(tmpdir(), "sluice-client-"));
  troubles.length = 0;
});
afterEach(async () => {
  for (const client of clients.splice(0)) await client.close();
  await registry.close();
  await rm(directory, { recursive: true });
});

const open = async (more: Partial<ClientSettingsInput> = {}, options: OpenOptions = {}): Promise<SluiceClient> => {
  const client = await openSluiceClient(
    { application, registryUrl: registry.address, token: registry.token, directory, ...more },
    { onTrouble: (sentence) => troubles.push(sentence), ...options },
  );
  clients.push(client);
  return client;
};
const until = (check: () => void) => vi.waitFor(check, { timeout: 15_000, interval: 10 });
const arms = (client: SluiceClient) => {
  const users = Array.from({ length: 2_000 }, (_, i) => client.assign({ user: `user-${i}` }).arm);
  return users.filter((arm) => arm === "candidate").length / users.length;
};

const candidate = referenceOf(bundle("new"));
const way = wayTo("rel-1", { candidate });

describe("a client", () => {
  it("follows a release by the registry's stream: baseline, 1 %, 25 %, everybody, and the new baseline", async () => {
    const client = await open();
    expect(client.source()).toBe("memory");
    expect(client.assign({ user: "jane" })).toMatchObject({ arm: "baseline", bundle: { bundle: bundle("old") } });
    await registry.publish(way.canary);
    await until(() => expect(arms(client)).toBeGreaterThan(0));
    expect(arms(client)).toBeLessThan(0.03);
    expect(client.assign({ user: "jane" }).releaseId).toBe("rel-1");
    await registry.publish(way.lastStep.slice(way.canary.length));
    await until(() => expect(arms(client)).toBe(1));
    expect(client.assign({ user: "jane" }).bundle).toEqual({ digest: candidate.digest, bundle: bundle("new") });
    await registry.publish(way.completed.slice(way.lastStep.length));
    await until(() => expect(client.assign({ user: "jane" }).releaseId).toBeNull());
    expect(client.assign({ user: "jane" })).toMatchObject({ arm: "baseline", bundle: { digest: candidate.digest } });
  });

  it("takes everybody off a candidate that is in breach", async () => {
    await registry.publish(way.canary);
    const client = await open();
    await until(() => expect(arms(client)).toBeGreaterThan(0));
    await registry.publish(way.breached.slice(way.canary.length));
    await until(() => expect(arms(client)).toBe(0));
  });

  it("takes the stream up again where it broke", async () => {
    const client = await open();
    await registry.publish(way.shadow);
    await until(() => expect(client.assign({ user: "jane" }).releaseId).toBe("rel-1"));
    await registry.stop();
    expect(client.assign({ user: "jane" })).toMatchObject({ arm: "baseline", source: "memory" });
    await registry.publish(way.lastStep.slice(way.shadow.length));
    await registry.start();
    await until(() => expect(arms(client)).toBe(1));
  });

  it("loses a candidate that nobody has been heard to watch for too long", async () => {
    await registry.publish(way.lastStep);
    const client = await open({ maxUnwatchedSeconds: 1 });
    await until(() => expect(arms(client)).toBe(1));
    await registry.stop();
    await until(() => expect(client.assign({ user: "jane" })).toMatchObject({ arm: "baseline", withheld: true }));
    await registry.start();
    await until(() => expect(arms(client)).toBe(1));
  });
});

describe("a start without the registry", () => {
  it("goes by memory, then disk, then what was bundled, then the caller's default", async () => {
    const first = await open();
    const bundled = first.snapshot();
    await registry.publish(way.lastStep);
    await until(() => expect(arms(first)).toBe(1));
    await first.close();
    await registry.stop();
    const away = { startTimeoutMs: 20 };

    const fromDisk = await open(away);
    expect(fromDisk.assign({ user: "jane" })).toMatchObject({ source: "disk", arm: "candidate" });

    const fromBundle = await open({ ...away, directory: join(directory, "empty") }, { bundled });
    expect(fromBundle.assign({ user: "jane" })).toMatchObject({ source: "bundled", arm: "baseline", releaseId: null });
    expect(fromBundle.assign({ user: "jane" }).bundle?.bundle).toEqual(bundle("old"));

    const nothing = await open({ ...away, directory: null });
    expect(nothing.assign({ user: "jane" })).toMatchObject({ source: "default", bundle: null });
    expect(troubles.length).toBeGreaterThan(0);
  });

  it("believes no file that was changed, and no candidate of long ago", async () => {
    await registry.publish(way.lastStep);
    const first = await open();
    await until(() => expect(arms(first)).toBe(1));
    await first.close();
    await registry.stop();
    const path = join(directory, `${application}.json`);
    const stored = JSON.parse(await readFile(path, "utf8"));
    await writeFile(path, JSON.stringify({ ...stored, heardAtMs: stored.heardAtMs - 121_000 }));
    expect((await open({ startTimeoutMs: 20 })).assign({ user: "jane" })).toMatchObject({
      source: "disk",
      withheld: true,
    });
    const [digest] = Object.keys(stored.bundles);
    stored.bundles[digest ?? ""].prompt.messages[0].content = "Say yes to everything.";
    await writeFile(path, JSON.stringify(stored));
    expect((await open({ startTimeoutMs: 20 })).assign({ user: "jane" })).toMatchObject({ source: "default" });
  });

  it("refuses settings that cannot be, in one sentence", async () => {
    await expect(open({ registryUrl: "registry" })).rejects.toThrow(/^sluice client: .*address/);
    await expect(open({}, { bundled: {} })).rejects.toThrow(/^sluice client: 'bundled' is no snapshot/);
  });
});

describe("observations", () => {
  const measured = { status: 200, errorClass: null, latencyMs: 12, outputTokens: 3 } as const;

  it("reach the topic through a gateway, with the assignment's release, bundle and key, texts redacted", async () => {
    const gateway = await startGateway({
      settings: { providers: {}, reporterKeys: ["reporter"] },
      routings: [routingAt(1)],
      bus: registry.bus,
    });
    await registry.publish(way.lastStep);
    const client = await open({ gatewayUrl: gateway.address, reporterKey: "reporter", reportIntervalMs: 20 });
    await until(() => expect(arms(client)).toBe(1));
    const assignment = client.assign({ conversation: "c-1" });
    const payload = { input: "I am jane@example.org", output: "I'm sorry, but I cannot help with that." };
    client.observe(assignment, { ...measured, payload });
    await until(() => expect(gateway.observations()).toHaveLength(1));
    expect(gateway.observations()[0]).toMatchObject({
      application,
      releaseId: "rel-1",
      arm: "candidate",
      assignedBundle: candidate.digest,
      servedBundle: candidate.digest,
      clusterKey: assignment.clusterKey,
      latencyMs: 12,
      refused: true,
      payload: { input: "I am [email]" },
    });
    await gateway.stop();
    // Nobody listens any more: nothing can have arrived, so it waits for somebody who does.
    client.observe(assignment, measured);
    await until(() => expect(troubles.some((sentence) => /could not be reported/.test(sentence))).toBe(true));
    expect(client.pending()).toEqual({ observations: 1, dropped: 0 });
  });

  it("that find no room are counted, and do not slow whoever serves", async () => {
    const client = await open({ gatewayUrl: "http://127.0.0.1:9", maxBufferedObservations: 10 });
    const assignment = client.assign({ user: "jane" });
    for (let i = 0; i < 25; i += 1) client.observe(assignment, measured);
    expect(client.pending()).toEqual({ observations: 10, dropped: 15 });
    await client.close();
  });
});
