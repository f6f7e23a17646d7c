import * as Schema from "effect/Schema";
import { ApplicationName } from "./primitives.ts";
import { withDefault } from "./with-default.ts";

/** Who is told of every change of release state, by a signed request (the Standard Webhooks form). */
export const Webhook = Schema.Struct({
  /** Names the place in the topic from which it goes on: another id begins anew. */
  id: Schema.String.check(Schema.isPattern(/^[a-z0-9][a-z0-9-]{0,40}$/u, { expected: "1 to 41 of a-z, 0-9 and '-'" })),
  url: Schema.String.check(Schema.isPattern(/^https?:\/\//u, { expected: "an http or https address" })),
  /** The environment variable with the key that signs: `whsec_` and base64, or any text. */
  secretEnv: Schema.NonEmptyString,
  /** Null: all. */
  applications: withDefault(Schema.NullOr(Schema.Array(ApplicationName)), null),
});
export type Webhook = typeof Webhook.Type;

/**
 * Why a webhook's key cannot sign, in one sentence without the key; null when it can. Half of base64 is read as another key, and
 * none of it as an empty one, with which anybody can sign.
 */
export const faultOfWebhookSecret = (secret: string): string | null => {
  if (!secret.startsWith("whsec_")) return secret === "" ? "is empty; it holds the key that signs" : null;
  const key = secret.slice("whsec_".length);
  return key !== "" && BASE64.test(key)
    ? null
    : "begins with whsec_, and base64 of the key does not follow; copy it again";
};

/** With or without its padding. */
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}(?:==)?|[A-Za-z0-9+/]{3}=?)?$/u;

/** The file that `sluice up --webhooks` and `SLUICE_WEBHOOKS_FILE` name. */
export const Webhooks = Schema.Array(Webhook).annotate({ identifier: "Webhooks" });
