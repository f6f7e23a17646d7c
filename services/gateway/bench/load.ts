import { connect, type Socket } from "node:net";
import { questionOf } from "./question.ts";

/** One load client, in a process of its own, writing HTTP by hand so that it costs less than what it measures. */
export interface LoadPlan {
  readonly port: number;
  readonly kind: "closed" | "paced";
  /** Of `closed`: requests always under way. Of `paced`: the pool. */
  readonly connections: number;
  readonly requestsPerSecond: number;
  readonly durationMs: number;
  readonly stream: boolean;
}

export interface LoadResult {
  readonly answered: number;
  readonly failed: number;
  readonly elapsedMs: number;
  /** Milliseconds, in no order: to the whole answer, or to the first event of a stream. */
  readonly latenciesMs: ReadonlyArray<number>;
  /** Events per stream, and chunks they came in: equal when each was passed on singly. */
  readonly eventsPerStream: number;
  readonly chunksPerStream: number;
}

const requestBytes = (user: number, stream: boolean): Buffer => {
  const { headers, body } = questionOf(user, stream, process.argv[2] ?? "");
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.from(
    `POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\n${lines.join("")}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
};

class Connection {
  readonly #socket: Socket;
  #received = "";
  #sentMs = 0;
  #firstMs = 0;
  #chunks = 0;
  #done: ((ok: boolean) => void) | null = null;

  constructor(port: number) {
    this.#socket = connect({ port, host: "127.0.0.1", noDelay: true });
    this.#socket.setEncoding("latin1");
    this.#socket.on("data", (text: string) => this.#take(text));
    this.#socket.on("close", () => this.#end(false));
    this.#socket.on("error", () => {});
  }

  ask(request: Buffer): Promise<{ ok: boolean; latencyMs: number; firstMs: number; events: number; chunks: number }> {
    this.#received = "";
    this.#chunks = 0;
    this.#firstMs = 0;
    this.#sentMs = performance.now();
    return new Promise((resolve) => {
      this.#done = (ok) => {
        const latencyMs = performance.now() - this.#sentMs;
        const events = this.#received.split("data: {").length - 1;
        resolve({ ok, latencyMs, firstMs: this.#firstMs, events, chunks: this.#chunks });
      };
      this.#socket.write(request);
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #take(text: string): void {
    this.#received += text;
    if (text.includes("data: {")) {
      this.#chunks += 1;
      if (this.#firstMs === 0) this.#firstMs = performance.now() - this.#sentMs;
    }
    const head = this.#received.indexOf("\r\n\r\n");
    if (head === -1) return;
    const length = /content-length: (\d+)/i.exec(this.#received.slice(0, head + 2))?.[1];
    const complete =
      length === undefined ? this.#received.endsWith("0\r\n\r\n") : this.#received.length >= head + 4 + Number(length);
    if (complete) this.#end(this.#received.startsWith("HTTP/1.1 200"));
  }

  #end(ok: boolean): void {
    this.#done?.(ok);
    this.#done = null;
  }
}

const run = async (plan: LoadPlan): Promise<LoadResult> => {
  const connections = Array.from({ length: plan.connections }, () => new Connection(plan.port));
  const requests = Array.from({ length: 1_000 }, (_, i) => requestBytes(i, plan.stream));
  const latencies: Array<number> = [];
  let failed = 0;
  let sent = 0;
  let events = 0;
  let chunks = 0;
  const once = async (connection: Connection) => {
    const request = requests[sent % requests.length];
    sent += 1;
    if (!request) return;
    const answer = await connection.ask(request);
    if (answer.ok) latencies.push(plan.stream ? answer.firstMs : answer.latencyMs);
    else failed += 1;
    events += answer.events;
    chunks += answer.chunks;
  };
  const startedMs = performance.now();
  const isOver = () => performance.now() - startedMs >= plan.durationMs;
  if (plan.kind === "closed") {
    await Promise.all(
      connections.map(async (connection) => {
        while (!isOver() && failed < 1_000) await once(connection);
      }),
    );
  } else {
    const idle = [...connections];
    const underWay = new Set<Promise<void>>();
    while (!isOver()) {
      const due = Math.floor(((performance.now() - startedMs) / 1_000) * plan.requestsPerSecond);
      while (sent < due) {
        const connection = idle.pop();
        if (!connection) break;
        const asked = once(connection).then(() => {
          underWay.delete(asked);
          idle.push(connection);
        });
        underWay.add(asked);
      }
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    await Promise.all(underWay);
  }
  const elapsedMs = performance.now() - startedMs;
  for (const connection of connections) connection.close();
  const streams = plan.stream ? latencies.length + failed : 1;
  return {
    answered: latencies.length,
    failed,
    elapsedMs,
    // At full load their number is large, and the paced runs tell more.
    latenciesMs: plan.kind === "paced" ? latencies : [],
    eventsPerStream: events / streams,
    chunksPerStream: chunks / streams,
  };
};

process.on("message", async (plan: LoadPlan) => process.send?.(await run(plan)));
