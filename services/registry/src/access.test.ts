import { assert, it } from "@effect/vitest";
import {
  digestOfBytes,
  type OidcProvider,
  permissions,
  type Role,
  type Route,
  registryRoutes,
  TokenCreatedBody,
} from "@sluice/contracts";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import { registryService } from "./registry-service.ts";
import { oidcIssuer } from "./testing/oidc-issuer.ts";
import { call, decided, failure, ports, roles, tokens, withApplication } from "./testing/registry-in-memory.ts";

const expired = {
  tokenDigest: digestOfBytes("expired"),
  id: "late",
  role: "admin",
  expiresAt: "2026-01-01T00:00:00.000Z",
};
const created = Schema.decodeUnknownSync(TokenCreatedBody);

const withIssuer = Effect.gen(function* () {
  const { issuer, sign, asked } = yield* oidcIssuer;
  const provider: typeof OidcProvider.Encoded = {
    issuer,
    audience: "https://sluice.example",
    rules: [{ repository: "acme/*", branches: ["main"] }],
  };
  const { address } = yield* registryService({
    port: 0,
    tokens: [...tokens, expired as (typeof tokens)[number]],
    oidc: [provider],
    failuresPerMinute: 100_000,
  });
  return { address, sign, asked, issuer };
});

/** Status of a request with this token; an event stream is left at once. */
const statusOf = async (address: string, route: Route, token: string | null) => {
  const path = route.path
    .replace(/:digest/u, `sha256:${"0".repeat(64)}`)
    .replace(/:tokenId/u, "tok-0")
    .replaceAll(/:[a-zA-Z]+/gu, "nothing");
  const abort = new AbortController();
  const response = await fetch(`${address}${path}`, {
    method: route.method,
    headers: {
      ...(token !== null && { authorization: `Bearer ${token}` }),
      ...(route.request && { "content-type": "application/json" }),
    },
    ...(route.request && { body: "{}" }),
    signal: abort.signal,
  });
  const body = response.headers.get("content-type") === "text/event-stream" ? "" : await response.text();
  abort.abort();
  assert.notMatch(body, /at file:|\.ts:\d|node_modules/u);
  return response.status;
};

it.live(
  "every endpoint × every role × no token, an unknown, an expired, a revoked one, and one for another audience",
  () =>
    Effect.gen(function* () {
      const { address, sign } = yield* withIssuer;
      yield* Effect.promise(async () => {
        const made = async (role: Role) => {
          const answer = await call(address, "POST", "/v1/tokens", { body: { subject: `made ${role}`, role } });
          return created(answer.body);
        };
        const revoked = await made("admin");
        await call(address, "POST", `/v1/tokens/${revoked.created.tokenId}/revoke`);
        const outsiders: Readonly<Record<string, string | null>> = {
          "no token": null,
          unknown: "sluice_nobody",
          expired: "expired",
          revoked: revoked.token,
          "expired workflow token": await sign({ expiresIn: -60 }),
          "workflow token for another audience": await sign({ audience: "https://github.com/acme" }),
          "workflow token signed by somebody else": await sign({ foreign: true }),
          "workflow token of another issuer": await sign({ issuer: "https://evil.example" }),
        };
        const insiders: ReadonlyArray<readonly [Role, string]> = [
          ...roles.map((role) => [role, `token-of-${role}`] as const),
          ...(await Promise.all(roles.map(async (role) => [role, (await made(role)).token] as const))),
          ["ci", await sign()],
        ];
        let asked = 0;
        for (const [name, route] of Object.entries<Route>(registryRoutes)) {
          for (const [who, token] of Object.entries(outsiders)) {
            const status = await statusOf(address, route, token);
            // What is open asks for nothing; what a registry without a signing key cannot tell is no question of access.
            if (route.permission) assert.strictEqual(status, 401, `${name} with ${who}`);
            else assert.include([200, 404, 409], status, `${name} with ${who}`);
            asked += 1;
          }
          const allowed: ReadonlyArray<Role> = route.permission ? permissions[route.permission] : roles;
          for (const [role, token] of insiders) {
            const status = await statusOf(address, route, token);
            assert.strictEqual(status === 403, !allowed.includes(role), `${name} as ${role}: ${status}`);
            // The telemetry store in memory runs no SQL, and says so with a 503.
            if (status !== 503 || !usesTelemetry.has(name)) assert.isBelow(status, 500, `${name} as ${role}`);
            asked += 1;
          }
        }
        assert.strictEqual(asked, Object.keys(registryRoutes).length * (8 + 11));
      });
    }).pipe(Effect.scoped, Effect.provide(ports)),
  60_000,
);
const usesTelemetry: ReadonlySet<string> = new Set(["getKpis", "answerQuery", "answerStatement"]);

it.live("a workflow is let in by its repository and branch, and its author is who started it", () =>
  Effect.gen(function* () {
    const { address, sign, asked } = yield* withIssuer;
    yield* Effect.promise(async () => {
      const me = async (token: string) =>
        call(address, "GET", "/v1/me", { headers: { authorization: `Bearer ${token}` } });
      const good = await me(await sign());
      assert.deepInclude(good.body, { id: "github:acme/shop@main:octocat", role: "ci" });
      for (const [claims, sentence] of [
        [{ repository: "evil/shop" }, /repository evil\/shop at refs\/heads\/main/],
        [{ ref: "refs/pull/7/merge" }, /acme\/shop at refs\/pull\/7\/merge/],
        [{ repository: 7 }, /names no repository/],
      ] as const) {
        const answer = await me(await sign({ claims: claims as never }));
        assert.strictEqual(answer.status, 403);
        assert.match(failure(answer.body).message, sentence);
      }
      // `alg: none`, and a symmetric signature with the public key as its secret, are no signatures.
      const [, payload] = (await sign()).split(".");
      const unsigned = `${Buffer.from('{"alg":"none"}').toString("base64url")}.${payload}.x`;
      assert.strictEqual((await me(unsigned)).status, 401);
      assert.strictEqual((await me("not.a.token")).status, 401);
      assert.strictEqual(asked.keys, 1, "the issuer's keys are cached");
    });
  }).pipe(Effect.scoped, Effect.provide(ports)),
);

it.live("an issuer that cannot be asked is no verdict on its tokens: try again", () =>
  Effect.gen(function* () {
    const { sign, issuer } = yield* oidcIssuer;
    const oidc = [
      {
        issuer,
        audience: "https://sluice.example",
        jwksUri: "http://127.0.0.1:9/keys",
        rules: [{ repository: "acme/shop" }],
      },
    ] as const;
    const { address } = yield* registryService({ port: 0, tokens, oidc });
    yield* Effect.promise(async () => {
      const answer = await call(address, "GET", "/v1/me", { headers: { authorization: `Bearer ${await sign()}` } });
      assert.deepStrictEqual([answer.status, failure(answer.body).code], [503, "issuer-unavailable"]);
      assert.strictEqual((await call(address, "GET", "/v1/me")).status, 200, "other tokens still work");
    });
  }).pipe(Effect.scoped, Effect.provide(ports)),
);

it.live("who asked for a release does not override its gate, whatever the role; somebody else does", () =>
  Effect.gen(function* () {
    const { address, sign } = yield* withIssuer;
    yield* Effect.promise(async () => {
      const { candidate } = await withApplication(address);
      const made = async (subject: string) =>
        created((await call(address, "POST", "/v1/tokens", { body: { subject, role: "approver" } })).body).token;
      const request = async (token: string, key: string) => {
        const answer = await call(address, "POST", "/v1/releases", {
          body: { application: "support-bot", candidate, team: "support" },
          headers: { authorization: `Bearer ${token}`, "idempotency-key": key },
        });
        return decided(answer.body).releaseId;
      };
      const override = (releaseId: string | null, token: string) =>
        call(address, "POST", `/v1/releases/${releaseId}/override`, {
          body: { reason: "the set is wrong" },
          headers: { authorization: `Bearer ${token}` },
        });
      const asOctocat = await request(await sign(), "by workflow");
      const asAdmin = await request("token-of-admin", "by hand");
      for (const [releaseId, token] of [
        [asOctocat, await made("Octocat")],
        [asOctocat, await made("github:octocat")],
        [asAdmin, "token-of-admin"],
      ] as const) {
        const refused = await override(releaseId, token);
        assert.deepStrictEqual([refused.status, failure(refused.body).code], [403, "separation-of-duty"]);
      }
      // Not blocked yet, which is the fold's to say: the person is no obstacle any more.
      const other = await override(asOctocat, await made("grace"));
      assert.notStrictEqual(other.status, 403);
      assert.notStrictEqual(failure(other.body).code, "separation-of-duty");
    });
  }).pipe(Effect.scoped, Effect.provide(ports)),
);

it.live("the author of an event is the token's: a body that names one is refused", () =>
  Effect.gen(function* () {
    const { address } = yield* withIssuer;
    yield* Effect.promise(async () => {
      const { candidate } = await withApplication(address);
      const body = { application: "support-bot", candidate, team: "support", author: { id: "grace", role: "admin" } };
      const refused = await call(address, "POST", "/v1/releases", { role: "ci", body });
      assert.strictEqual(refused.status, 400);
      assert.match(failure(refused.body).message, /^body\.author: /);
    });
  }).pipe(Effect.scoped, Effect.provide(ports)),
);

it.live("a loop is told to slow down by author, a guesser by address, and nobody else is", () =>
  Effect.gen(function* () {
    const { address } = yield* registryService({ port: 0, tokens, requestsPerMinute: 5, failuresPerMinute: 3 });
    yield* Effect.promise(async () => {
      const me = (token: string) => fetch(`${address}/v1/me`, { headers: { authorization: `Bearer ${token}` } });
      const statuses = async (token: string, times: number) => {
        const seen: Array<number> = [];
        for (let n = 0; n < times; n += 1) seen.push((await me(token)).status);
        return seen;
      };
      assert.deepStrictEqual(await statuses("guess", 5), [401, 401, 401, 429, 429]);
      assert.deepStrictEqual(await statuses("token-of-ci", 7), [200, 200, 200, 200, 200, 429, 429]);
      assert.deepStrictEqual(await statuses("token-of-admin", 2), [200, 200]);
      const told = await me("token-of-ci");
      assert.isAtLeast(Number(told.headers.get("retry-after")), 1);
      assert.match(
        failure(await told.json()).message,
        /^too many requests of the ci in this minute, more than 5; come/,
      );
    });
  }).pipe(Effect.scoped, Effect.provide(ports)),
);

it.live("every answer carries the headers that keep a browser from being used against its user", () =>
  Effect.gen(function* () {
    const { address } = yield* withIssuer;
    yield* Effect.promise(async () => {
      for (const path of ["/healthz", "/nothing", "/v1/me", "/v1/releases", "/assets/none.js"]) {
        const { headers } = await fetch(`${address}${path}`);
        const policy = headers.get("content-security-policy") ?? "";
        assert.include(policy, "default-src 'none'");
        assert.notInclude(policy, "unsafe");
        assert.deepStrictEqual(
          ["x-content-type-options", "x-frame-options", "referrer-policy", "cache-control"].map((name) =>
            headers.get(name),
          ),
          ["nosniff", "DENY", "no-referrer", "no-store"],
        );
        assert.isNull(headers.get("access-control-allow-origin"));
      }
    });
  }).pipe(Effect.scoped, Effect.provide(ports)),
);
