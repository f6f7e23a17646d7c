import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";

export interface UpstreamRequestSeen {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Record<string, unknown> | null;
}

/** How a simulated model answers one request. */
export type Behaviour = (response: ServerResponse, request: UpstreamRequestSeen) => void;

export interface SimulatedUpstream {
  readonly baseUrl: string;
  readonly requests: Array<UpstreamRequestSeen>;
  behave: Behaviour;
  /** Requests that were received and neither answered nor given up. */
  readonly busy: () => number;
  readonly sockets: () => number;
  readonly close: () => Promise<void>;
}

/** A simulated OpenAI-compatible model server: it knows no language, and fails as it is told. */
export const startSimulatedUpstream = async (behave: Behaviour = says("Hello.")): Promise<SimulatedUpstream> => {
  const sockets = new Set<Socket>();
  let busy = 0;
  const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
    busy += 1;
    response.once("close", () => {
      busy -= 1;
    });
    const chunks: Array<Buffer> = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const text = Buffer.concat(chunks).toString("utf8");
      const seen = { path: request.url ?? "", headers: request.headers, body: text === "" ? null : JSON.parse(text) };
      upstream.requests.push(seen);
      upstream.behave(response, seen);
    });
    request.on("error", () => {});
  });
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const upstream: SimulatedUpstream = {
    baseUrl: `http://127.0.0.1:${port}/v1`,
    requests: [],
    behave,
    busy: () => busy,
    sockets: () => sockets.size,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return upstream;
};

const sendJson = (response: ServerResponse, status: number, value: unknown, headers: Record<string, string> = {}) =>
  response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(value));

export const chatAnswer = (content: string, more: object = {}) => ({
  id: "chatcmpl-1",
  object: "chat.completion",
  created: 1,
  model: "simulated",
  choices: [{ index: 0, message: { role: "assistant", content, refusal: null, ...more }, finish_reason: "stop" }],
  usage: { prompt_tokens: 7, completion_tokens: 3, total_tokens: 10 },
});

export const chatChunk = (delta: object, finishReason: string | null = null) => ({
  id: "chatcmpl-1",
  object: "chat.completion.chunk",
  created: 1,
  model: "simulated",
  choices: [{ index: 0, delta, finish_reason: finishReason }],
});

/** Answers as asked: whole, or as a stream of words. */
export const says =
  (text: string): Behaviour =>
  (response, request) => {
    if (request.body?.stream === true) streams(text.split(/(?<= )/))(response, request);
    else sendJson(response, 200, chatAnswer(text));
  };

export const answersJson =
  (value: unknown): Behaviour =>
  (response) =>
    sendJson(response, 200, value);

export const streams =
  (words: ReadonlyArray<string>, pauseMs = 0): Behaviour =>
  async (response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    const events = [
      chatChunk({ role: "assistant", content: "" }),
      ...words.map((content) => chatChunk({ content })),
      chatChunk({}, "stop"),
    ];
    for (const event of events) {
      if (response.destroyed) return;
      response.write(`data: ${JSON.stringify(event)}\n\n`);
      if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
    response.end("data: [DONE]\n\n");
  };

export const fails =
  (status: number, body: unknown, headers: Record<string, string> = {}): Behaviour =>
  (response) =>
    typeof body === "string"
      ? response.writeHead(status, { "content-type": "text/html", ...headers }).end(body)
      : sendJson(response, status, body, headers);

export const hangs: Behaviour = () => {};

export const resetsBeforeHead: Behaviour = (response) => response.socket?.resetAndDestroy();

export const resetsInStream: Behaviour = (response) => {
  response.writeHead(200, { "content-type": "text/event-stream" });
  response.write(`data: ${JSON.stringify(chatChunk({ content: "Half an " }))}\n\n`, () =>
    setTimeout(() => response.socket?.resetAndDestroy(), 5),
  );
};

export const endsWithoutDone: Behaviour = (response) => {
  response.writeHead(200, { "content-type": "text/event-stream" });
  response.end(`data: ${JSON.stringify(chatChunk({ content: "Half an " }))}\n\n`);
};

export const streamsGarbage: Behaviour = (response) => {
  response.writeHead(200, { "content-type": "text/event-stream" });
  response.write(`data: ${JSON.stringify(chatChunk({ content: "Fine so far. " }))}\n\n`);
  setTimeout(() => response.end('data: {"id": "chatcmpl-1", "choices": [{"del\n\n'), 5);
};

export const answersGarbage: Behaviour = (response) =>
  response.writeHead(200, { "content-type": "application/json" }).end('{"id": "chatcmpl-1", "choices": [');
