import { assert, it } from "@effect/vitest";
import { canonicalJson, digestOfBytes, referenceOf } from "@sluice/contracts";
import * as Effect from "effect/Effect";
import { registryService } from "./registry-service.ts";
import { bundle, ports } from "./testing/registry-in-memory.ts";

it.live("a request whose policy is looser than the organisation's is refused, whoever sends it", () =>
  Effect.gen(function* () {
    const { address } = yield* registryService({
      port: 0,
      tokens: [{ tokenDigest: digestOfBytes("t"), id: "ada", role: "admin" }],
      organisationPolicy: { offline: { minCases: 50 }, override: { approvals: 2 } },
    });
    const send = (method: string, path: string, body: unknown) =>
      Effect.promise(async () => {
        const response = await fetch(`${address}${path}`, {
          method,
          headers: { authorization: "Bearer t", "content-type": "application/json" },
          body: canonicalJson(body),
        });
        return { status: response.status, text: await response.text() };
      });
    for (const one of [bundle("old"), bundle("new")])
      for (const part of Object.values(one)) yield* send("PUT", "/v1/artifacts", part);
    yield* send("POST", "/v1/applications", { application: "support-bot", baseline: referenceOf(bundle("old")) });
    const request = (policy: unknown) =>
      send("POST", "/v1/releases", {
        application: "support-bot",
        team: "support",
        candidate: referenceOf(bundle("new")),
        policy,
      });

    const looser = yield* request({ offline: { minCases: 50 } });
    assert.strictEqual(looser.status, 400);
    assert.match(
      looser.text,
      /policy\.override\.approvals is 1, looser than 2 of the organisation's policy here; make it at least 2/u,
    );
    assert.strictEqual((yield* request({ offline: { minCases: 80 }, override: { approvals: 2 } })).status, 201);
  }).pipe(Effect.scoped, Effect.timeout("20 seconds"), Effect.provide(ports)),
);
