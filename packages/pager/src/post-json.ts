import { createHmac } from "node:crypto";
import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import * as Redacted from "effect/Redacted";
import * as Schedule from "effect/Schedule";
import { request } from "undici";
import type { NotTaken } from "./channel.ts";

export interface JsonPost {
  readonly url: Redacted.Redacted;
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** Signs the body: header `x-sluice-signature: t=<unix seconds>,v1=<hex HMAC-SHA256 of "t.body">`. */
  readonly secret?: Redacted.Redacted | undefined;
  readonly timeoutMs: number;
}

/** A message that fails now is sent again by the outbox, which is the log. These few bridge a hiccup. */
const retries = Schedule.max([Schedule.exponential("100 millis"), Schedule.recurs(3)]);

interface Failure extends NotTaken {
  readonly retryable: boolean;
}

/** POSTs JSON. Any 2xx means that it was taken; what the receiver refuses is not sent again, its own troubles are bridged. */
export const postJson = (post: JsonPost): Effect.Effect<void, NotTaken> =>
  Effect.retry(once(post), { schedule: retries, while: (failure) => failure.retryable });

const once = Effect.fnUntraced(function* (post: JsonPost): Effect.fn.Return<void, Failure> {
  const { timeoutMs } = post;
  const body = JSON.stringify(post.body);
  const signature = signatureOf(post.secret, body, yield* Clock.currentTimeMillis);
  const status = yield* Effect.tryPromise({
    try: async (signal) => {
      const response = await request(Redacted.value(post.url), {
        method: "POST",
        headers: { "content-type": "application/json", "user-agent": "sluice", ...post.headers, ...signature },
        body,
        signal,
        headersTimeout: timeoutMs,
        bodyTimeout: timeoutMs,
      });
      await response.body.dump();
      return response.statusCode;
    },
    catch: (cause): Failure => ({ retryable: true, reason: `it cannot be reached (${codeOf(cause)})` }),
  }).pipe(
    Effect.timeoutOrElse({
      duration: timeoutMs,
      orElse: () => Effect.fail<Failure>({ retryable: true, reason: `no answer within ${timeoutMs} ms` }),
    }),
  );
  if (status < 200 || status > 299)
    return yield* Effect.fail<Failure>({
      retryable: status === 429 || status >= 500,
      reason: `it answered ${status}`,
    });
});

const signatureOf = (secret: Redacted.Redacted | undefined, body: string, nowMs: number): Record<string, string> => {
  if (!secret) return {};
  const seconds = Math.floor(nowMs / 1_000);
  const hash = createHmac("sha256", Redacted.value(secret)).update(`${seconds}.${body}`).digest("hex");
  return { "x-sluice-signature": `t=${seconds},v1=${hash}` };
};

const codeOf = (cause: unknown): string =>
  typeof cause === "object" && cause !== null && "code" in cause ? String(cause.code) : "network error";
