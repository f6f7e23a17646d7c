import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import * as Effect from "effect/Effect";
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from "jose";

/** What GitHub says of a workflow on acme/shop's main branch that octocat started. */
const workflow: JWTPayload = {
  sub: "repo:acme/shop:ref:refs/heads/main",
  repository: "acme/shop",
  repository_owner_id: "42",
  ref: "refs/heads/main",
  actor: "octocat",
};

interface SignOptions {
  readonly claims?: JWTPayload;
  readonly audience?: string;
  readonly issuer?: string;
  /** Seconds from now. */
  readonly expiresIn?: number;
  /** Sign with a key that the issuer does not publish. */
  readonly foreign?: boolean;
}

/** An issuer of workflow tokens on loopback, as a stranger would write one: discovery, keys, RS256. */
export const oidcIssuer = Effect.gen(function* () {
  const keys = yield* Effect.promise(() => generateKeyPair("RS256"));
  const foreign = yield* Effect.promise(() => generateKeyPair("RS256"));
  const jwk = yield* Effect.promise(() => exportJWK(keys.publicKey));
  const asked = { keys: 0 };
  const server = createServer((request, response) => {
    response.setHeader("content-type", "application/json");
    if (request.url === "/keys") {
      asked.keys += 1;
      return response.end(JSON.stringify({ keys: [{ ...jwk, kid: "one", alg: "RS256", use: "sig" }] }));
    }
    if (request.url === "/.well-known/openid-configuration")
      return response.end(JSON.stringify({ issuer, jwks_uri: `${issuer}/keys` }));
    response.statusCode = 404;
    return response.end("{}");
  });
  yield* Effect.acquireRelease(
    Effect.callback<void>((resume) => void server.listen(0, "127.0.0.1", () => resume(Effect.void))),
    () => Effect.callback<void>((resume) => void server.close(() => resume(Effect.void))),
  );
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const sign = (options: SignOptions = {}) =>
    new SignJWT({ ...workflow, ...options.claims })
      .setProtectedHeader({ alg: "RS256", kid: options.foreign ? "two" : "one" })
      .setIssuer(options.issuer ?? issuer)
      .setAudience(options.audience ?? "https://sluice.example")
      .setIssuedAt()
      .setExpirationTime(Math.floor(Date.now() / 1_000) + (options.expiresIn ?? 300))
      .sign(options.foreign ? foreign.privateKey : keys.privateKey);
  return { issuer, sign, asked };
});
