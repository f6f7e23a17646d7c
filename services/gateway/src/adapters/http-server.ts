import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import * as Result from "effect/Result";
import { type Endpoint, endpoints } from "../domain/endpoint.ts";
import { invalidRequest, type OpenAiError, serverError } from "../domain/openai-error.ts";
import { HttpClient } from "./http-client.ts";
import { closeIdleConnections } from "./idle-connections.ts";
import type { KeyCheck } from "./key-check.ts";

export interface HttpServerOptions {
  readonly host: string;
  readonly port: number;
  readonly maxRequestBytes: number;
  readonly clientStallTimeoutMs: number;
  /** Null lets everybody in. */
  readonly isClientKey: KeyCheck | null;
  /** Who may report what it served without the gateway. */
  readonly isReporterKey: KeyCheck;
  /** The answer to such a report, or why it is refused. */
  readonly onReport: (body: Buffer) => Result.Result<object, OpenAiError>;
  /** Who may choose the arm is let in by that key alone: the canary controller is no caller. */
  readonly isProbeKey: KeyCheck;
  readonly onCompletion: (
    request: { endpoint: Endpoint; headers: IncomingMessage["headers"]; body: Buffer; arrivedMs: number },
    client: HttpClient,
  ) => void;
  readonly models: () => ReadonlyArray<{ readonly id: string; readonly createdAtMs: number }>;
  readonly isReady: () => boolean;
  readonly metrics: () => string;
}

export interface OpenHttpServer {
  /** Such as `http://127.0.0.1:4401`. */
  readonly address: string;
  readonly port: number;
  /** Takes no new requests, and lets those under way finish within the time given. */
  readonly close: (drainTimeoutMs: number) => Promise<void>;
}

/** Longer than the idle time of usual load balancers, so that they close first and no request is lost between. */
const KEEP_ALIVE_MS = 65_000;

const REPORTS_PATH = "/v1/observations";
const completionPaths = new Map<string, Endpoint>(endpoints.map((endpoint) => [`/v1/${endpoint}`, endpoint]));

export const openHttpServer = (options: HttpServerOptions): Promise<OpenHttpServer> => {
  const server = createServer({ keepAliveTimeout: 0 });
  const stopSweeping = closeIdleConnections(server, KEEP_ALIVE_MS);
  server.on("request", (request, response) => route(options, request, response));
  server.once("close", stopSweeping);
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port, options.host, () => {
      server.off("error", reject);
      const { port } = server.address() as AddressInfo;
      const host = options.host.includes(":") ? `[${options.host}]` : options.host;
      resolve({ address: `http://${host}:${port}`, port, close: (drainTimeoutMs) => close(server, drainTimeoutMs) });
    });
  });
};

const close = (server: Server, drainTimeoutMs: number): Promise<void> =>
  new Promise((resolve) => {
    const deadline = setTimeout(() => server.closeAllConnections(), drainTimeoutMs);
    // A kept-alive connection becomes idle only when its answer is out.
    const sweep = setInterval(() => server.closeIdleConnections(), 50);
    server.close(() => {
      clearTimeout(deadline);
      clearInterval(sweep);
      resolve();
    });
  });

const route = (options: HttpServerOptions, request: IncomingMessage, response: ServerResponse): void => {
  const url = request.url ?? "/";
  const query = url.indexOf("?");
  const path = query === -1 ? url : url.slice(0, query);
  const endpoint = completionPaths.get(path);
  if (endpoint && request.method === "POST") receiveCompletion(options, endpoint, request, response);
  else if (path === REPORTS_PATH && request.method === "POST") receiveReport(options, request, response);
  else {
    request.resume();
    answerOther(options, path, request, response);
  }
};

const answerOther = (
  options: HttpServerOptions,
  path: string,
  request: IncomingMessage,
  response: ServerResponse,
): void => {
  const client = new HttpClient(response, options.clientStallTimeoutMs);
  const method = request.method ?? "";
  if (path === "/healthz") sendText(response, 200, "ok\n");
  else if (path === "/readyz" && options.isReady()) sendText(response, 200, "ready\n");
  else if (path === "/readyz") sendText(response, 503, "not ready: no routing is known yet\n");
  else if (path === "/metrics") sendText(response, 200, options.metrics());
  else if (completionPaths.has(path) || path === REPORTS_PATH)
    client.fail(wrongMethod(method, path, "POST"), ["allow", "POST"]);
  else if (!isModels(path)) client.fail(notFound(method, path), []);
  else if (!isLetIn(options, request)) client.fail(unauthorized, []);
  else sendModels(options, path, client);
};

const isModels = (path: string): boolean => path === "/v1/models" || path.startsWith("/v1/models/");

const receiveCompletion = (
  options: HttpServerOptions,
  endpoint: Endpoint,
  request: IncomingMessage,
  response: ServerResponse,
): void => {
  const arrivedMs = performance.now();
  const client = new HttpClient(response, options.clientStallTimeoutMs);
  receive(options, request, response, client, isLetIn(options, request), (body) =>
    options.onCompletion({ endpoint, headers: request.headers, body, arrivedMs }, client),
  );
};

const receiveReport = (options: HttpServerOptions, request: IncomingMessage, response: ServerResponse): void => {
  const client = new HttpClient(response, options.clientStallTimeoutMs);
  const key = bearerOf(request);
  receive(options, request, response, client, key !== null && options.isReporterKey(key), (body) => {
    const answer = options.onReport(body);
    if (Result.isFailure(answer)) client.fail(answer.failure, []);
    else client.answer(200, ["content-type", "application/json"], Buffer.from(JSON.stringify(answer.success)));
  });
};

/** Reads the body of a request that is let in, up to the bound. */
const receive = (
  options: HttpServerOptions,
  request: IncomingMessage,
  response: ServerResponse,
  client: HttpClient,
  isLetIn: boolean,
  onBody: (body: Buffer) => void,
): void => {
  const refuse = (error: OpenAiError) => {
    // The rest of the body is not read: the connection ends with the answer.
    client.fail(error, ["connection", "close"]);
    request.resume();
  };
  if (!isLetIn) {
    refuse(unauthorized);
    return;
  }
  const tooLarge = () => refuse(bodyTooLarge(options.maxRequestBytes));
  if (Number(request.headers["content-length"] ?? 0) > options.maxRequestBytes) {
    tooLarge();
    return;
  }
  const chunks: Array<Buffer> = [];
  let bytes = 0;
  request.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes <= options.maxRequestBytes) chunks.push(chunk);
    else if (!response.headersSent) tooLarge();
  });
  request.on("end", () => {
    if (!response.headersSent) onBody(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks));
  });
  // A client that leaves in the middle of its request needs no answer.
  request.on("error", () => {});
};

const isLetIn = ({ isClientKey, isProbeKey }: HttpServerOptions, request: IncomingMessage): boolean => {
  if (!isClientKey) return true;
  const probeKey = request.headers["x-sluice-key"];
  if (typeof probeKey === "string" && isProbeKey(probeKey)) return true;
  const key = bearerOf(request);
  return key !== null && isClientKey(key);
};

const bearerOf = ({ headers: { authorization } }: IncomingMessage): string | null =>
  authorization?.startsWith("Bearer ") ? authorization.slice("Bearer ".length) : null;

const sendModels = ({ models }: HttpServerOptions, path: string, client: HttpClient): void => {
  const list = models().map(({ id, createdAtMs }) => ({
    id,
    object: "model",
    created: Math.floor(createdAtMs / 1_000),
    owned_by: "sluice",
  }));
  const wanted = path.slice("/v1/models/".length);
  const body = wanted === "" ? { object: "list", data: list } : list.find(({ id }) => id === wanted);
  if (body) client.answer(200, ["content-type", "application/json"], Buffer.from(JSON.stringify(body)));
  else client.fail({ ...notFound("GET", path), code: "model_not_found" }, []);
};

const sendText = (response: ServerResponse, status: number, text: string): void => {
  const body = Buffer.from(text);
  response.writeHead(status, ["content-type", "text/plain; charset=utf-8", "content-length", String(body.length)]);
  response.end(body);
};

const unauthorized: OpenAiError = {
  ...invalidRequest("Send one of this gateway's client keys as 'Authorization: Bearer …'.", null, 401),
  code: "invalid_api_key",
};
const bodyTooLarge = (maxBytes: number): OpenAiError =>
  invalidRequest(`The request body is larger than the ${maxBytes} bytes this gateway takes.`, null, 413);
const notFound = (method: string, path: string): OpenAiError => ({
  ...serverError(404, "not_found", `Invalid URL (${method} ${path.slice(0, 100)})`),
  type: "invalid_request_error",
});
const wrongMethod = (method: string, path: string, allowed: string): OpenAiError => ({
  ...serverError(405, "method_not_allowed", `Not allowed to ${method} on ${path}: use ${allowed}.`),
  type: "invalid_request_error",
});
