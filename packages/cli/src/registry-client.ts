import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import { Exit, exitCodes, internalError, usageError } from "./exit.ts";

export interface RegistryAddress {
  readonly url: string;
  readonly token: string | undefined;
}

/** From `--url`, else SLUICE_URL, else the default port on loopback; the token only ever comes from the environment. */
export const registryAddress = (url: string | undefined): RegistryAddress => ({
  url: (url ?? process.env.SLUICE_URL ?? "http://127.0.0.1:4400").replace(/\/+$/, ""),
  token: process.env.SLUICE_TOKEN,
});

export interface RegistryRequest {
  readonly method: "GET" | "POST" | "PUT";
  readonly path: string;
  readonly body?: unknown;
  /** Sent as it is, instead of `body` as JSON. */
  readonly bytes?: Uint8Array;
  readonly idempotencyKey?: string;
  /** Which flag gave what the registry calls otherwise: its sentences are then told in the words of who is asked. */
  readonly flags?: Readonly<Record<string, string>>;
}

const TIMEOUT_MS = 30_000;

/** The JSON answer. A 4xx answer becomes a usage error with the registry's own sentence; unreachable or 5xx, exit 1. */
export const callRegistry = (address: RegistryAddress, request: RegistryRequest): Effect.Effect<unknown, Exit> =>
  Effect.gen(function* () {
    yield* checkAddress(address);
    const response = yield* Effect.tryPromise({
      try: (signal) => send(address, request, signal),
      catch: (cause) => internalError(`the registry at ${address.url} cannot be reached: ${reasonOf(cause)}`),
    });
    if (response.status >= 200 && response.status < 300) return response.body;
    const sentence = inFlags(
      errorSentence(response.body) ?? `the registry answered ${response.status}`,
      request.flags ?? {},
    );
    if (response.status === 401 && address.token === undefined)
      return yield* usageError(`the registry at ${address.url} asks for a token; set SLUICE_TOKEN to one`);
    if (response.status === 401 || response.status === 403)
      return yield* usageError(`${sentence} (the token is that of SLUICE_TOKEN)`);
    return yield* response.status < 500
      ? usageError(sentence)
      : new Exit({ code: exitCodes.internal, sentence: `the registry failed: ${sentence}` });
  });

/**
 * The answer as it came, and as its schema has it. One of another shape is a registry of another version: what was asked for
 * may be done all the same.
 */
export const askRegistry = <A>(
  address: RegistryAddress,
  request: RegistryRequest,
  schema: Schema.Codec<A, unknown>,
): Effect.Effect<{ readonly answer: unknown; readonly value: A }, Exit> =>
  Effect.flatMap(callRegistry(address, request), (answer) =>
    Effect.mapBoth(Schema.decodeUnknownEffect(schema)(answer), {
      onFailure: () =>
        internalError(
          `the registry at ${address.url} answered ${request.method} ${request.path} in a form that this version does not know; are both of one version?`,
        ),
      onSuccess: (value) => ({ answer, value }),
    }),
  );

/** What no server could be asked with. The token's value is no part of the sentence, and no password is. */
export const checkAddress = ({ url, token }: RegistryAddress): Effect.Effect<void, Exit> => {
  const parsed = URL.parse(url);
  if (parsed && parsed.username + parsed.password !== "")
    return Effect.fail(
      usageError("the registry's address holds a name or password; give it without, and SLUICE_TOKEN"),
    );
  if (!parsed || !/^https?:$/.test(parsed.protocol) || parsed.search + parsed.hash !== "")
    return Effect.fail(
      usageError(`the registry's address is ${url === "" ? "empty" : url}; give one such as http://127.0.0.1:4400`),
    );
  if (token === "")
    return Effect.fail(usageError("SLUICE_TOKEN is empty; give a token, or unset it where none is asked for"));
  if (token !== undefined && !/^[\x21-\x7e]+$/.test(token))
    return Effect.fail(usageError("SLUICE_TOKEN holds a character that no token has; copy it again, without spaces"));
  return Effect.void;
};

const send = async (address: RegistryAddress, request: RegistryRequest, signal: AbortSignal) => {
  const json = request.body === undefined ? undefined : JSON.stringify(request.body);
  const payload = request.bytes ? new Blob([new Uint8Array(request.bytes)]) : json;
  const response = await fetch(`${address.url}${request.path}`, {
    method: request.method,
    headers: headersOf(address, request),
    ...(payload !== undefined && { body: payload }),
    signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
  });
  const text = await response.text();
  let body: unknown = text;
  try {
    body = JSON.parse(text);
  } catch {
    // Not every answer is JSON: the text serves.
  }
  return { status: response.status, body };
};

const headersOf = (address: RegistryAddress, request: RegistryRequest): Record<string, string> => ({
  ...(address.token && { authorization: `Bearer ${address.token}` }),
  ...(request.bytes && { "content-type": "application/octet-stream" }),
  ...(request.body !== undefined && { "content-type": "application/json" }),
  ...(request.idempotencyKey && { "idempotency-key": request.idempotencyKey }),
});

/** A field stands at the beginning of the sentence that is about it. */
export const inFlags = (sentence: string, flags: Readonly<Record<string, string>>): string =>
  Object.entries(flags).reduce(
    (told, [field, flag]) =>
      [`${field} `, `${field}:`, `body.${field} `, `body.${field}:`, `header ${field} `, `header ${field}:`].reduce(
        (text, start) => (text.startsWith(start) ? `${flag}${text.slice(start.length - 1)}` : text),
        told,
      ),
    sentence,
  );

const errorSentence = (body: unknown): string | undefined => {
  if (typeof body !== "object" || body === null || !("error" in body)) return undefined;
  const { error } = body;
  return typeof error === "object" && error !== null && "message" in error && typeof error.message === "string"
    ? error.message
    : undefined;
};

const reasonOf = (cause: unknown): string => {
  if (!(cause instanceof Error)) return String(cause);
  const inner = cause.cause;
  return inner instanceof Error ? inner.message || cause.message : cause.message;
};
