import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BusError, EventBus } from "@sluice/event-bus/event-bus";
import * as Context from "effect/Context";
import * as Effect from "effect/Effect";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { bundleOf, candidateOf, routingOf } from "./testing/routing-fixture.ts";
import { makeBus, type RunningTestGateway, startGateway, until } from "./testing/running-gateway.ts";
import { type SimulatedUpstream, startSimulatedUpstream } from "./testing/simulated-upstream.ts";

let upstream: SimulatedUpstream;
let directory: string;
const running: Array<RunningTestGateway> = [];

beforeEach(async () => {
  upstream = await startSimulatedUpstream();
  directory = await mkdtemp(join(tmpdir(), "sluice-gateway-"));
});
afterEach(async () => {
  for (const gateway of running.splice(0)) await gateway.stop();
  await upstream.close();
  await rm(directory, { recursive: true });
});

const routingFile = () => join(directory, "state", "routing.json");
const start = async (options: Omit<Parameters<typeof startGateway>[0], "settings"> = {}) => {
  const gateway = await startGateway({
    settings: {
      providers: { simulated: { baseUrl: upstream.baseUrl } },
      routingFile: routingFile(),
      startTimeoutMs: 50,
    },
    ...options,
  });
  running.push(gateway);
  return gateway;
};
const armOf = async (gateway: RunningTestGateway, user = "u") => {
  const response = await fetch(`${gateway.address}/v1/chat/completions`, {
    method: "POST",
    body: JSON.stringify({ model: "support-bot", user, messages: [{ role: "user", content: "Hi" }] }),
  });
  await response.arrayBuffer();
  return response.status === 200 ? response.headers.get("x-sluice-arm") : response.status;
};

/** A bus that is down: nothing can be followed or published. */
const deadBus = () => {
  const down = (operation: BusError["operation"]) => Effect.fail(new BusError({ operation, message: "down" }));
  return Context.make(EventBus, {
    publish: () => down("publish"),
    consume: () => down("consume"),
    follow: () => down("follow"),
  });
};

const candidate = candidateOf(bundleOf("candidate"), { share: 1 });

describe("a restart", () => {
  it("with the bus down serves the routing from disk, candidate included", async () => {
    const first = await start({ routings: [routingOf(7, { candidate })] });
    await until(() => first.reports.length > 0);
    await first.stop();
    const second = await startWithDeadBus();
    expect(await armOf(second)).toBe("candidate");
  });

  it("without a file and without the bus says that it is not ready", async () => {
    const gateway = await startWithDeadBus();
    expect(await armOf(gateway)).toBe(503);
    expect((await fetch(`${gateway.address}/readyz`)).status).toBe(503);
  });

  it("ignores a file it does not understand", async () => {
    const first = await start({ routings: [routingOf(7)] });
    await first.stop();
    await writeFile(routingFile(), '{"version": 1, "routings": [{"routing"');
    const second = await start({ bus: first.bus });
    expect(await armOf(second)).toBe("baseline");
    await second.stop();
    expect(JSON.parse(await readFile(routingFile(), "utf8"))).toMatchObject({
      routings: [{ routing: { version: 7 } }],
    });
  });

  it("does not make an old record of the topic a sign of life", async () => {
    const bus = await makeBus();
    const first = await start({ bus, routings: [routingOf(7, { candidate })] });
    await first.stop();
    const stored = JSON.parse(await readFile(routingFile(), "utf8"));
    stored.routings[0].heardAtMs -= 61_000;
    await writeFile(routingFile(), JSON.stringify(stored));
    const second = await start({ bus });
    expect(await armOf(second)).toBe("baseline");
    await second.publish(routingOf(7, { candidate }));
    await untilArm(second, "candidate");
  });
});

describe("an unwatched candidate", () => {
  it("loses its traffic, gets it back when it is watched again, and is counted", async () => {
    const watched = { ...candidate, maxUnwatchedSeconds: 0.3 };
    const gateway = await start({ routings: [routingOf(1, { candidate: watched })] });
    expect(await armOf(gateway)).toBe("candidate");
    await untilArm(gateway, "baseline");
    const metrics = await (await fetch(`${gateway.address}/metrics`)).text();
    expect(metrics).toMatch(/sluice_gateway_unwatched_total [1-9]/);
    await gateway.publish(routingOf(1, { candidate: watched }));
    await untilArm(gateway, "candidate");
  });
});

/** Outside of the shared helper, because nothing that a dead bus publishes can be waited for. */
const startWithDeadBus = async (): Promise<RunningTestGateway> => {
  const bus = deadBus();
  const gateway = await startGateway({
    settings: {
      providers: { simulated: { baseUrl: upstream.baseUrl } },
      routingFile: routingFile(),
      startTimeoutMs: 50,
    },
    bus,
    deaf: true,
  });
  running.push(gateway);
  return gateway;
};

const untilArm = async (gateway: RunningTestGateway, arm: string) => {
  const deadline = performance.now() + 5_000;
  while ((await armOf(gateway)) !== arm) {
    if (performance.now() > deadline) throw new Error(`waited 5 s for the ${arm}`);
  }
};
