import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { type Bundle, digestOfBytes, referenceOf } from "@sluice/contracts";
import { afterAll, expect, it } from "vitest";
import { registryAt, until } from "../support/registry.ts";
import { SluiceProcess } from "../support/sluice-process.ts";
import { smallDisk } from "../support/small-disk.ts";

const disk = smallDisk();
const processes: Array<SluiceProcess> = [];
afterAll(async () => {
  for (const running of processes) running.kill("SIGKILL");
  await Promise.all(processes.map(({ ended }) => ended));
  disk.remove();
});

const up = async () => {
  const args = ["up", "--data", join(disk.path, "data"), "--port", "0", "--gateway-port", "0"];
  const running = new SluiceProcess(args, disk.environment);
  processes.push(running);
  await running.said(/^ready/m);
  const [, url = ""] = await running.said(/^registry (\S+)$/m);
  return { running, url, token: running.stdout.match(/^admin token .*: (\S+)$/m)?.[1] ?? "" };
};

const bundle: Bundle = {
  prompt: { kind: "prompt", messages: [{ role: "system", content: "Be brief." }] },
  model: { kind: "model", provider: "nobody", model: "m", parameters: {} },
};

it("the embedded stack answers that it cannot, goes on when there is room, and keeps what it acknowledged", async () => {
  const first = await up();
  const headers = { authorization: `Bearer ${first.token}`, "content-type": "application/octet-stream" };
  const acknowledged = new Set<string>();
  const put = async (bytes: number): Promise<number> => {
    const content = randomBytes(bytes);
    const response = await fetch(`${first.url}/v1/artifacts`, { method: "PUT", headers, body: content });
    if (response.ok) acknowledged.add(digestOfBytes(content));
    else expect(await response.json()).toMatchObject({ error: { code: "unavailable" } });
    return response.status;
  };
  const registry = registryAt(first.url, first.token);
  for (const part of Object.values(bundle)) await registry.call("PUT", "/v1/artifacts", part);
  const register = (application: string) =>
    registry.call("POST", "/v1/applications", { application, baseline: referenceOf(bundle) });
  await register("before");
  expect(await put(100_000)).toBe(201);

  disk.fill();
  const full: Array<number> = [];
  for (let i = 0; i < 5; i++) full.push(await put(2_000_000));
  expect(full).toContain(503);
  const asked = await Promise.allSettled([register("while-it-was-full")]);

  disk.free();
  await until(
    () => put(50_000),
    (status) => status === 201,
  );
  await register("after");

  first.running.kill("SIGKILL");
  await first.running.ended;
  const second = await up();
  const reopened = registryAt(second.url, first.token);
  for (const digest of acknowledged)
    expect((await fetch(`${second.url}/v1/artifacts/${digest}`, { headers })).status, digest).toBe(200);
  const { applications } = (await reopened.call("GET", "/v1/applications")) as {
    applications: ReadonlyArray<{ application: string }>;
  };
  const names = applications.map(({ application }) => application);
  expect(names).toEqual(expect.arrayContaining(["before", "after"]));
  if (asked[0]?.status === "fulfilled") expect(names).toContain("while-it-was-full");
  expect(await reopened.call("GET", "/v1/audit/verify")).toMatchObject({ faults: [] });
});
