import type { Headers } from "./cluster-sources.ts";

/** Of the caller's headers only these go on: tracing, and what keeps a repeated request from being billed twice. */
const PASSED_ON = ["traceparent", "tracestate", "idempotency-key", "openai-beta", "accept-language"] as const;

const PASSED_BACK = ["content-type", "retry-after", "openai-processing-ms", "openai-model", "openai-version"] as const;

/** What any HTTP implementation takes: a header from outside must not be able to break a request or an answer. */
const isPlain = (value: unknown): value is string => typeof value === "string" && /^[\x20-\x7e]*$/.test(value);

export const requestHeaders = (
  caller: Headers,
  provider: { readonly headers: ReadonlyArray<string>; readonly passAuthorization: boolean },
  retrievalIndex: string | null,
): Array<string> => {
  const headers = ["content-type", "application/json", ...provider.headers];
  for (const name of PASSED_ON) {
    const value = caller[name];
    if (isPlain(value)) headers.push(name, value);
  }
  if (provider.passAuthorization && isPlain(caller.authorization)) {
    headers.push("authorization", caller.authorization);
  }
  if (retrievalIndex !== null) headers.push("x-sluice-retrieval-index", retrievalIndex);
  return headers;
};

/** The upstream's headers that mean something to the caller, names and values in turn, added to our own. */
export const answerHeaders = (upstream: Headers, own: ReadonlyArray<string>): Array<string> => {
  const headers = [...own];
  for (const name of PASSED_BACK) {
    const value = upstream[name];
    if (isPlain(value)) headers.push(name, value);
  }
  for (const name in upstream) {
    const value = upstream[name];
    if (name.startsWith("x-ratelimit-") && isPlain(value)) headers.push(name, value);
  }
  return headers;
};
