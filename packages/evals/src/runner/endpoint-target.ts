import { performance } from "node:perf_hooks";
import * as Effect from "effect/Effect";
import type * as Scope from "effect/Scope";
import { type Dispatcher, Pool } from "undici";
import { estimatedTokens } from "./prices.ts";
import { type Answer, AskFailure, type Target } from "./target.ts";

export interface EndpointSettings {
  /** Up to and with the version, such as `https://api.openai.com/v1`. */
  readonly baseUrl: string;
  /** Environment variable with the bearer token; without it none is sent. */
  readonly apiKeyEnv?: string | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly timeoutMs: number;
  readonly connections: number;
}

const MAX_ANSWER_BYTES = 8 * 1_024 * 1_024;

/** An OpenAI-compatible endpoint. Its connections are closed with the scope. */
export const endpointTarget = Effect.fnUntraced(function* (
  settings: EndpointSettings,
): Effect.fn.Return<Target, never, Scope.Scope> {
  const url = new URL(settings.baseUrl);
  const pool = yield* Effect.acquireRelease(
    Effect.sync(() => new Pool(url.origin, { connections: settings.connections, pipelining: 1, allowH2: false })),
    (held) => Effect.promise(() => held.destroy()),
  );
  const key = settings.apiKeyEnv === undefined ? undefined : process.env[settings.apiKeyEnv];
  const path = `${url.pathname.replace(/\/+$/u, "")}/chat/completions`;
  const headers = {
    ...settings.headers,
    "content-type": "application/json",
    ...(key !== undefined && { authorization: `Bearer ${key}` }),
  };
  return {
    identity: `endpoint ${url.origin}${path}`,
    isReusable: true,
    ask: ({ body }) =>
      Effect.tryPromise({
        try: (signal) => ask({ pool, path, headers, body, timeoutMs: settings.timeoutMs }, signal),
        catch: (cause) => (cause instanceof AskFailure ? cause : brokenOff(cause)),
      }),
  };
});

interface Request {
  readonly pool: Pool;
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly body: string;
  readonly timeoutMs: number;
}

const ask = async (request: Request, interrupted: AbortSignal): Promise<Answer> => {
  const deadline = AbortSignal.timeout(request.timeoutMs);
  const startedAt = performance.now();
  try {
    const response = await request.pool.request({
      method: "POST",
      path: request.path,
      headers: request.headers,
      body: request.body,
      signal: AbortSignal.any([deadline, interrupted]),
    });
    const text = await boundedText(response.body);
    if (response.statusCode !== 200) throw refusal(response, text);
    return answerIn(text, request.body, performance.now() - startedAt);
  } catch (cause) {
    if (!deadline.aborted) throw cause;
    const message = `no answer within ${request.timeoutMs} ms`;
    throw new AskFailure({ kind: "transient", message, retryAfterMs: null, maybePaid: true });
  }
};

const brokenOff = (cause: unknown): AskFailure => {
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
  const message = cause instanceof Error && cause.message ? cause.message : String(cause);
  // Before there was a connection nothing can have been billed.
  const isUnsent = ["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "UND_ERR_CONNECT_TIMEOUT"].includes(code);
  return new AskFailure({ kind: "transient", message: message || code, retryAfterMs: null, maybePaid: !isUnsent });
};

const refusal = ({ statusCode, headers }: Dispatcher.ResponseData, text: string): AskFailure => {
  const said = errorIn(text);
  // OpenAI says 429 for an account without money too, and nobody can wait for that.
  const kind = statusCode === 429 && said.code === "insufficient_quota" ? "unusable" : kindOf(statusCode);
  return new AskFailure({
    kind,
    message: `HTTP ${statusCode}${said.message ? `: ${said.message}` : ""}`,
    retryAfterMs: kind === "throttled" || kind === "transient" ? retryAfter(headers["retry-after"]) : null,
    maybePaid: false,
  });
};

const kindOf = (status: number): AskFailure["kind"] => {
  if (status === 429) return "throttled";
  if (status === 408 || status === 409 || status >= 500) return "transient";
  // A wrong key, a model that is not there: every further request would meet the same.
  return [401, 402, 403, 404].includes(status) ? "unusable" : "refused";
};

/** Seconds or an HTTP date (RFC 9110 §10.2.3). */
const retryAfter = (header: string | ReadonlyArray<string> | undefined): number | null => {
  const text = typeof header === "string" ? header.trim() : "";
  if (text === "") return null;
  const ms = /^\d+(?:\.\d+)?$/u.test(text) ? Number(text) * 1_000 : Date.parse(text) - Date.now();
  return Number.isFinite(ms) ? Math.max(0, ms) : null;
};

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const json = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

/** The provider's own words, cut: they may repeat what was asked. */
const errorIn = (text: string): { readonly message: string; readonly code: unknown } => {
  const body = json(text);
  const error = isRecord(body) ? body.error : undefined;
  const message = isRecord(error) ? error.message : error;
  return {
    message: typeof message === "string" ? message.replaceAll(/\p{Cc}+/gu, " ").slice(0, 200) : "",
    code: isRecord(error) ? (error.code ?? error.type) : undefined,
  };
};

const answerIn = (text: string, asked: string, latencyMs: number): Answer => {
  const body = json(text);
  const output = outputIn(body);
  if (output === undefined) {
    const message = "the answer has no choices[0].message";
    throw new AskFailure({ kind: "transient", message, retryAfterMs: null, maybePaid: true });
  }
  const usage = isRecord(body) && isRecord(body.usage) ? body.usage : {};
  const { prompt_tokens: input, completion_tokens: completion } = usage;
  const counted = typeof input === "number" && typeof completion === "number";
  return {
    output,
    inputTokens: counted ? input : estimatedTokens(asked),
    outputTokens: counted ? completion : estimatedTokens(output),
    counted,
    latencyMs: Math.round(latencyMs),
  };
};

/** The text; else the refusal's; else the tool calls as JSON, so that a schema can check them. */
const outputIn = (body: unknown): string | undefined => {
  const choice = isRecord(body) && Array.isArray(body.choices) ? body.choices[0] : undefined;
  const message = isRecord(choice) ? choice.message : undefined;
  if (!isRecord(message)) return undefined;
  if (typeof message.content === "string" && message.content !== "") return message.content;
  if (typeof message.refusal === "string" && message.refusal !== "") return message.refusal;
  return Array.isArray(message.tool_calls) && message.tool_calls.length > 0 ? JSON.stringify(message.tool_calls) : "";
};

const boundedText = async (body: Dispatcher.ResponseData["body"]): Promise<string> => {
  const chunks: Array<Uint8Array> = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > MAX_ANSWER_BYTES) {
      body.destroy();
      const message = "the answer has more than 8 MiB";
      throw new AskFailure({ kind: "refused", message, retryAfterMs: null, maybePaid: true });
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
};
