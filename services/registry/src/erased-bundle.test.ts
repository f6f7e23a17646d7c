import { assert, it } from "@effect/vitest";
import { ReleaseLog } from "@sluice/release-log";
import * as Effect from "effect/Effect";
import { registryService } from "./registry-service.ts";
import { call, failure, ports, tokens, withApplication } from "./testing/registry-in-memory.ts";

it.live("nobody is sent back to a bundle that has lost a part to an erasure", () =>
  Effect.gen(function* () {
    const { address } = yield* registryService({ port: 0, tokens });
    const { baseline } = yield* Effect.promise(() => withApplication(address));
    const log = yield* ReleaseLog;
    yield* log.submit({
      _tag: "RequestErasure",
      application: "support-bot",
      at: new Date().toISOString(),
      erasureId: "era-1",
      clusterKeys: [],
      artifacts: Object.values(baseline.artifacts),
      author: { id: "the admin", role: "admin" },
      reason: "quotes a user",
    });
    const path = "/v1/applications/support-bot/rollback";
    const body = { to: baseline.digest, reason: "as before" };
    const answer = yield* Effect.promise(() => call(address, "POST", path, { body }));
    assert.strictEqual(answer.status, 409);
    assert.strictEqual(failure(answer.body).code, "bundle-erased");
  }).pipe(Effect.scoped, Effect.provide(ports)),
);
