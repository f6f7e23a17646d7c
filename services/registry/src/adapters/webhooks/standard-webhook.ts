import { createHmac } from "node:crypto";
import type { ReleaseState } from "@sluice/contracts";
import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import type { WebhookTarget } from "../../application/webhooks.ts";
import { WebhookError } from "../../application/webhooks.ts";

/** A receiver that does not answer holds up what comes after, so it is not waited for long. */
const TIMEOUT_MS = 10_000;

/** `whsec_…` is base64 of the key; any other text is the key itself. */
const keyOf = (secret: string): Buffer =>
  secret.startsWith("whsec_") ? Buffer.from(secret.slice(6), "base64") : Buffer.from(secret, "utf8");

/**
 * Posts one state in the Standard Webhooks form: `webhook-id` is the same when it is sent again, `webhook-signature` is the
 * HMAC-SHA256 over id, `webhook-timestamp` (seconds) and body. Only a 2xx is taken for an answer; redirects are not followed.
 */
export const postState = (target: WebhookTarget, state: ReleaseState): Effect.Effect<void, WebhookError> =>
  Effect.gen(function* () {
    const id = `${state.application}/${state.version}`;
    const timestamp = String(Math.floor((yield* Clock.currentTimeMillis) / 1_000));
    const body = JSON.stringify({ type: "sluice.release-state.v1", timestamp: state.at, data: state });
    const signature = createHmac("sha256", keyOf(target.secret)).update(`${id}.${timestamp}.${body}`).digest("base64");
    const status = yield* Effect.tryPromise({
      try: async (signal) => {
        const response = await fetch(target.url, {
          method: "POST",
          headers: {
            "content-type": "application/json",
            "webhook-id": id,
            "webhook-timestamp": timestamp,
            "webhook-signature": `v1,${signature}`,
          },
          body,
          redirect: "manual",
          signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
        });
        await response.body?.cancel();
        return response.status;
      },
      catch: () => new WebhookError({ message: `webhook ${target.id} cannot be reached` }),
    });
    if (status < 200 || status > 299)
      return yield* new WebhookError({ message: `webhook ${target.id} answered ${status}` });
  });
