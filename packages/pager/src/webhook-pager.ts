import { createHmac } from "node:crypto";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import * as Redacted from "effect/Redacted";
import * as Schedule from "effect/Schedule";
import { request } from "undici";
import { type PageFormat, pageBody } from "./page-format.ts";
import { type PageMessage, Pager, PagerError } from "./pager.ts";

export interface WebhookSettings {
  readonly url: string;
  /** What the receiver expects; `generic`, the message itself, when left out. */
  readonly format?: PageFormat;
  /** PagerDuty's integration key. */
  readonly routingKey?: Redacted.Redacted;
  /** Signs each message: header `x-sluice-signature: t=<unix seconds>,v1=<hex HMAC-SHA256 of "t.body">`. */
  readonly secret?: Redacted.Redacted;
  readonly timeoutMs?: number;
}

const DEFAULT_TIMEOUT_MS = 5_000;
/** A page that fails now is sent again on the next tick: the log is the outbox. These few bridge a hiccup. */
const retries = Schedule.max([Schedule.exponential("100 millis"), Schedule.recurs(3)]);

/** POSTs each message as JSON in the format of its receiver, with the dedup key also in header `idempotency-key`. Any 2xx means that it was taken. */
export const layerWebhook = (settings: WebhookSettings): Layer.Layer<Pager> =>
  Layer.succeed(Pager, {
    send: Effect.fn("Pager.send")(function* (message: PageMessage) {
      yield* Effect.retry(post(settings, message), {
        schedule: retries,
        // What the receiver refuses once it refuses again: only its own troubles are worth a retry.
        while: (failure) => failure.retryable,
      }).pipe(Effect.mapError(({ reason }) => new PagerError({ channel: channelOf(settings), message: reason })));
      return channelOf(settings);
    }),
  });

/** Its name in the record. */
const channelOf = ({ format = "generic" }: WebhookSettings): string => (format === "generic" ? "webhook" : format);

interface Failure {
  readonly retryable: boolean;
  /** Never the address, which may hold a token, nor the receiver's answer. */
  readonly reason: string;
}

const post = (settings: WebhookSettings, message: PageMessage): Effect.Effect<void, Failure> =>
  Effect.gen(function* () {
    const { format = "generic", routingKey } = settings;
    const body = JSON.stringify(pageBody(format, message, routingKey && Redacted.value(routingKey)));
    const timeoutMs = settings.timeoutMs ?? DEFAULT_TIMEOUT_MS;
    const status = yield* Effect.tryPromise({
      try: async (signal) => {
        const response = await request(settings.url, {
          method: "POST",
          headers: { ...headersOf(message), ...signatureOf(settings.secret, body) },
          body,
          signal,
          headersTimeout: timeoutMs,
          bodyTimeout: timeoutMs,
        });
        await response.body.dump();
        return response.statusCode;
      },
      catch: (cause): Failure => ({ retryable: true, reason: `the webhook cannot be reached (${codeOf(cause)})` }),
    }).pipe(
      Effect.timeoutOrElse({
        duration: timeoutMs,
        orElse: () => Effect.fail<Failure>({ retryable: true, reason: `no answer within ${timeoutMs} ms` }),
      }),
    );
    if (status < 200 || status > 299)
      return yield* Effect.fail<Failure>({
        retryable: status === 429 || status >= 500,
        reason: `the webhook answered ${status}`,
      });
  });

const headersOf = (message: PageMessage) => ({
  "content-type": "application/json",
  "idempotency-key": `${message.dedupKey}/${message.action}`,
  "user-agent": "sluice",
});

const signatureOf = (secret: Redacted.Redacted | undefined, body: string): Record<string, string> => {
  if (!secret) return {};
  const seconds = Math.floor(Date.now() / 1_000);
  const hash = createHmac("sha256", Redacted.value(secret)).update(`${seconds}.${body}`).digest("hex");
  return { "x-sluice-signature": `t=${seconds},v1=${hash}` };
};

const codeOf = (cause: unknown): string =>
  typeof cause === "object" && cause !== null && "code" in cause ? String(cause.code) : "network error";
