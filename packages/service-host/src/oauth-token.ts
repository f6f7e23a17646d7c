import { readFile } from "node:fs/promises";
import * as Config from "effect/Config";
import * as Effect from "effect/Effect";
import * as Option from "effect/Option";
import * as Redacted from "effect/Redacted";
import { readSettings } from "./read-settings.ts";
import { SettingsError } from "./settings-error.ts";

interface ClientCredentials {
  readonly url: string;
  readonly clientId: string;
  readonly clientSecret: Redacted.Redacted;
  readonly scope: string | undefined;
}

/**
 * Where the bearer token of SASL/OAUTHBEARER comes from: a file that somebody renews (a projected service-account token), or
 * the token endpoint of an issuer by client credentials (RFC 6749 §4.4).
 */
export const oauthToken: Effect.Effect<() => Promise<string>, SettingsError> = Effect.gen(function* () {
  const { file, url } = yield* readSettings({
    file: Config.option(Config.String("KAFKA_SASL_OAUTH_TOKEN_FILE")),
    url: Config.option(Config.String("KAFKA_SASL_OAUTH_TOKEN_ENDPOINT")),
  });
  if (Option.isSome(file)) return async () => (await readFile(file.value, "utf8")).trim();
  if (Option.isNone(url))
    return yield* new SettingsError({
      message:
        "KAFKA_SASL_MECHANISM=OAUTHBEARER needs KAFKA_SASL_OAUTH_TOKEN_FILE, or KAFKA_SASL_OAUTH_TOKEN_ENDPOINT with KAFKA_SASL_OAUTH_CLIENT_ID and KAFKA_SASL_OAUTH_CLIENT_SECRET",
    });
  const { clientId, clientSecret, scope } = yield* readSettings({
    clientId: Config.String("KAFKA_SASL_OAUTH_CLIENT_ID"),
    clientSecret: Config.Redacted("KAFKA_SASL_OAUTH_CLIENT_SECRET"),
    scope: Config.option(Config.String("KAFKA_SASL_OAUTH_SCOPE")),
  });
  return keptToken({ url: url.value, clientId, clientSecret, scope: Option.getOrUndefined(scope) });
});

const TIMEOUT_MS = 10_000;
/** A token is renewed when this part of its life is over, so that no connection authenticates with one about to end. */
const RENEW_AT = 0.8;

/** Asks the endpoint, and keeps the answer: every connection of every client authenticates. */
export const keptToken = (credentials: ClientCredentials, now: () => number = Date.now): (() => Promise<string>) => {
  let kept: { readonly token: string; readonly renewAtMs: number } | null = null;
  return async () => {
    if (kept && now() < kept.renewAtMs) return kept.token;
    const { token, livesSeconds } = await fetchToken(credentials);
    kept = { token, renewAtMs: now() + livesSeconds * 1_000 * RENEW_AT };
    return token;
  };
};

const fetchToken = async ({ url, clientId, clientSecret, scope }: ClientCredentials) => {
  const basic = Buffer.from(`${encodeURIComponent(clientId)}:${encodeURIComponent(Redacted.value(clientSecret))}`);
  const response = await fetch(url, {
    method: "POST",
    headers: {
      authorization: `Basic ${basic.toString("base64")}`,
      "content-type": "application/x-www-form-urlencoded",
    },
    body: new URLSearchParams({ grant_type: "client_credentials", ...(scope !== undefined && { scope }) }),
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  const answer: unknown = await response.json().catch(() => null);
  const body = typeof answer === "object" && answer !== null ? answer : {};
  if (!response.ok || !("access_token" in body) || typeof body.access_token !== "string")
    throw new Error(`the token endpoint answered ${response.status} without a token`);
  const lives = "expires_in" in body ? Number(body.expires_in) : Number.NaN;
  return { token: body.access_token, livesSeconds: Number.isFinite(lives) ? lives : 60 };
};
