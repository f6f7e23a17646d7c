import { connect } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { routingOf } from "./testing/routing-fixture.ts";
import { type RunningTestGateway, startGateway, until } from "./testing/running-gateway.ts";
import { hangs, type SimulatedUpstream, says, startSimulatedUpstream, streams } from "./testing/simulated-upstream.ts";

let upstream: SimulatedUpstream;
let gateway: RunningTestGateway;

beforeEach(async () => {
  upstream = await startSimulatedUpstream();
  gateway = await startGateway({
    settings: { providers: { simulated: { baseUrl: upstream.baseUrl, connections: 16, queueLimit: 1_000 } } },
    routings: [routingOf(1)],
  });
});
afterEach(async () => {
  await gateway.stop();
  await upstream.close();
});

const body = (stream: boolean) =>
  JSON.stringify({ model: "support-bot", stream, messages: [{ role: "user", content: "Hi" }] });

/** Sends a request and destroys the connection: at once after writing, or when something has come. */
const askAndLeave = (stream: boolean, afterMs: number): Promise<void> =>
  new Promise((resolve) => {
    const { hostname, port } = new URL(gateway.address);
    const text = body(stream);
    const socket = connect(Number(port), hostname, () => {
      socket.write(
        `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${text.length}\r\n\r\n${text}`,
      );
      setTimeout(() => socket.destroy(), afterMs);
    });
    socket.on("error", () => {});
    socket.on("close", () => resolve());
  });

/** All of them with `pnpm soak:aborts`; enough to meet every way of leaving in the tests. */
const CLIENTS = Number(process.env.SLUICE_ABORTING_CLIENTS ?? 1_000);
const AT_ONCE = 500;

/** In waves, so that the machine's own bounds of open connections are not what is tested. */
const inWaves = async (clients: number, one: (i: number) => Promise<unknown>): Promise<void> => {
  for (let first = 0; first < clients; first += AT_ONCE) {
    const wave = Math.min(AT_ONCE, clients - first);
    await Promise.all(Array.from({ length: wave }, (_, i) => one(first + i)));
  }
};

const ask = async () => {
  const response = await fetch(`${gateway.address}/v1/chat/completions`, { method: "POST", body: body(false) });
  await response.arrayBuffer();
  return response.status;
};

describe("clients that leave", () => {
  it.each([
    { where: "in the queue and before the head", behave: hangs, stream: false },
    { where: "in mid-stream", behave: streams(new Array<string>(1_000).fill("word "), 5), stream: true },
  ])(
    "$where leave no busy upstream, and everybody after them is answered",
    async ({ behave, stream }) => {
      upstream.behave = behave;
      await inWaves(CLIENTS / 2, (i) => askAndLeave(stream, 20 + (i % 50)));
      await until(() => upstream.busy() === 0, "the upstream to be idle");
      upstream.behave = says("Still here.");
      const statuses: Array<number> = [];
      await inWaves(Math.min(1_000, CLIENTS / 4), async () => statuses.push(await ask()));
      expect(new Set(statuses)).toEqual(new Set([200]));
      expect(upstream.sockets()).toBeLessThanOrEqual(16);
    },
    300_000,
  );

  it("are no errors of the arm", async () => {
    upstream.behave = hangs;
    await askAndLeave(false, 50);
    await until(() => gateway.observations().length === 1);
    expect(gateway.observations()[0]).toMatchObject({ status: 499, errorClass: null, refused: null });
  });
});

describe("a full queue", () => {
  it("is said at once, and counts for the arm", async () => {
    upstream.behave = hangs;
    const controller = new AbortController();
    const waiting = Array.from({ length: 1_016 }, () =>
      fetch(`${gateway.address}/v1/chat/completions`, {
        method: "POST",
        body: body(false),
        signal: controller.signal,
      }).catch(() => null),
    );
    await until(() => upstream.requests.length === 16);
    const metricsSay = async (line: string) =>
      (await (await fetch(`${gateway.address}/metrics`)).text()).includes(line);
    while (!(await metricsSay('sluice_gateway_upstream_waiting{provider="simulated",purpose="baseline"} 1000'))) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    expect(await ask()).toBe(503);
    await until(() => gateway.observations().length === 1);
    expect(gateway.observations()[0]).toMatchObject({ status: 503, errorClass: "connection" });
    controller.abort();
    await Promise.all(waiting);
    await until(() => upstream.busy() === 0);
  });
});

describe("a slow reader", () => {
  it("stops the upstream instead of filling the gateway's memory, and still gets everything", async () => {
    const word = "x".repeat(65_536);
    upstream.behave = (response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      let sent = 0;
      const more = () => {
        while (sent < 1_000) {
          sent += 1;
          written = sent;
          if (!response.write(`data: {"choices":[{"index":0,"delta":{"content":"${word}"}}]}\n\n`)) {
            response.once("drain", more);
            return;
          }
        }
        response.end('data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n');
      };
      let written = 0;
      writtenEvents = () => written;
      more();
    };
    let writtenEvents = () => 0;
    const response = await fetch(`${gateway.address}/v1/chat/completions`, { method: "POST", body: body(true) });
    let before = -1;
    await until(() => {
      const now = writtenEvents();
      const stopped = now > 0 && now === before;
      before = now;
      return stopped;
    });
    expect(writtenEvents()).toBeLessThan(1_000);
    const text = await response.text();
    expect(text.length).toBeGreaterThan(1_000 * 65_536);
    expect(text.endsWith("data: [DONE]\n\n")).toBe(true);
  });
});
