import type { OidcProvider } from "@sluice/contracts";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import * as Result from "effect/Result";
import * as Schema from "effect/Schema";
import { createRemoteJWKSet, decodeJwt, errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from "jose";
import { IssuerError, NotLetIn, Unauthenticated, WorkflowTokens } from "../../application/authenticator.ts";
import { ruleFor, type WorkflowClaims, workflowAuthorId } from "../../domain/workflow-identity.ts";

/** An issuer that does not answer must not hold requests for ever. */
const TIMEOUT_MS = 5_000;
/** Keys change rarely; one that is not among them is looked for at once, though not more often than this. */
const KEYS_MAX_AGE_MS = 600_000;
const KEYS_COOLDOWN_MS = 10_000;
/** Clocks of an issuer and of this machine differ by so much. */
const CLOCK_TOLERANCE_SECONDS = 30;
/** Asymmetric ones alone: with a symmetric one the public key would be the secret. */
const ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"];

const Claims = Schema.Struct({
  repository: Schema.NonEmptyString,
  repository_owner_id: Schema.optionalKey(Schema.String),
  ref: Schema.NonEmptyString,
  actor: Schema.NonEmptyString,
  environment: Schema.optionalKey(Schema.String),
});

/** Verifies workflows' tokens (OpenID Connect, as GitHub Actions issues them) with the issuers' published keys. */
export const layerWorkflowTokens = (providers: ReadonlyArray<OidcProvider>): Layer.Layer<WorkflowTokens> =>
  Layer.sync(WorkflowTokens, () => {
    const known = new Map(providers.map((provider) => [provider.issuer, { provider, keys: remoteKeys(provider) }]));
    return WorkflowTokens.of({
      verify: Effect.fnUntraced(function* (token) {
        const issuer = yield* issuerOf(token);
        const found = known.get(issuer);
        if (!found)
          return yield* new Unauthenticated({
            message: "the issuer of this token is not one that the registry believes",
          });
        const { provider, keys } = found;
        const payload = yield* Effect.tryPromise({
          try: async () =>
            (
              await jwtVerify(token, await keys(), {
                issuer: provider.issuer,
                audience: provider.audience,
                algorithms: ALGORITHMS,
                clockTolerance: CLOCK_TOLERANCE_SECONDS,
                requiredClaims: ["exp", "iat", "sub"],
              })
            ).payload,
          catch: (cause) => failureOf(cause, provider),
        });
        const claims = yield* claimsOf(payload);
        const rule = ruleFor(provider.rules, claims);
        if (Result.isFailure(rule)) return yield* new NotLetIn({ message: rule.failure });
        return { author: { id: workflowAuthorId(claims), role: "ci" as const }, team: rule.success.team };
      }),
    });
  });

const issuerOf = (token: string) =>
  Effect.try({
    try: () => decodeJwt(token).iss ?? "",
    catch: () => new Unauthenticated({ message: "this token looks like a signed one and cannot be read" }),
  });

const claimsOf = (payload: JWTPayload) =>
  Schema.decodeUnknownEffect(Claims)(payload).pipe(
    Effect.map(
      (claims): WorkflowClaims => ({
        repository: claims.repository,
        repositoryOwnerId: claims.repository_owner_id ?? null,
        ref: claims.ref,
        actor: claims.actor,
        environment: claims.environment ?? null,
      }),
    ),
    Effect.mapError(
      () => new NotLetIn({ message: "this token names no repository, ref and actor: it is no workflow's token" }),
    ),
  );

/** The issuer's keys: where they are is asked once, they themselves are fetched and cached by jose. */
const remoteKeys = ({ issuer, jwksUri }: OidcProvider): (() => Promise<JWTVerifyGetKey>) => {
  let keys: JWTVerifyGetKey | null = null;
  return async () => {
    if (keys) return keys;
    const uri = jwksUri ?? (await discover(issuer));
    keys = createRemoteJWKSet(new URL(uri), {
      timeoutDuration: TIMEOUT_MS,
      cacheMaxAge: KEYS_MAX_AGE_MS,
      cooldownDuration: KEYS_COOLDOWN_MS,
    });
    return keys;
  };
};

const discover = async (issuer: string): Promise<string> => {
  const response = await fetch(`${issuer.replace(/\/$/u, "")}/.well-known/openid-configuration`, {
    signal: AbortSignal.timeout(TIMEOUT_MS),
    redirect: "error",
  });
  const body: unknown = response.ok ? await response.json() : null;
  if (typeof body === "object" && body !== null && "jwks_uri" in body && typeof body.jwks_uri === "string")
    return body.jwks_uri;
  throw new Error(`its openid-configuration (${response.status}) names no jwks_uri`);
};

const failureOf = (cause: unknown, { issuer, audience }: OidcProvider): Unauthenticated | IssuerError => {
  const refused = (message: string) => new Unauthenticated({ message });
  if (cause instanceof errors.JWTExpired) return refused("this token has expired; ask its issuer for a new one");
  if (cause instanceof errors.JWTClaimValidationFailed)
    return cause.claim === "aud"
      ? refused(`this token is for another audience; ask its issuer for one for ${audience}`)
      : refused(`this token's claim ${cause.claim} is not what it must be`);
  if (cause instanceof errors.JWKSNoMatchingKey)
    return refused("this token is signed with a key that its issuer has not");
  if (cause instanceof errors.JWSSignatureVerificationFailed)
    return refused("this token's signature is not its issuer's");
  if (
    cause instanceof errors.JOSEAlgNotAllowed ||
    cause instanceof errors.JWSInvalid ||
    cause instanceof errors.JWTInvalid
  )
    return refused("this token is not signed as it must be");
  const why = cause instanceof Error ? cause.message : String(cause);
  return new IssuerError({ message: `the keys of ${issuer} cannot be fetched, try again: ${why}` });
};
