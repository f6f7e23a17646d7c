import { assert, it } from "@effect/vitest";
import * as ArtifactStore from "@sluice/artifact-store";
import { digestOfBytes, ErasuresBody } from "@sluice/contracts";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import { registryService } from "./registry-service.ts";
import { call, failure, ports, tokens, withApplication } from "./testing/registry-in-memory.ts";

const start = registryService({ port: 0, tokens });
const erasures = "/v1/applications/support-bot/erasures";

it.live("an application that nobody has registered is told to be unknown, and not to have nothing", () =>
  Effect.gen(function* () {
    const { address } = yield* start;
    for (const path of [
      "/v1/applications/no-bot/erasures",
      "/v1/releases?application=no-bot",
      "/v1/audit/at?application=no-bot&at=2026-01-31T09:00:00.000Z",
    ]) {
      const { status, body } = yield* Effect.promise(() => call(address, "GET", path));
      assert.deepStrictEqual(
        [path, status, failure(body).message],
        [path, 404, "application no-bot is not known; register it first"],
      );
    }
  }).pipe(Effect.scoped, Effect.provide(ports)),
);

it.live("a freeze that is over when it begins is refused", () =>
  Effect.gen(function* () {
    const { address } = yield* start;
    yield* Effect.promise(() => withApplication(address));
    const body = { reason: "peak season", until: "2026-01-31T09:00:00.000Z" };
    for (const path of ["/v1/applications/support-bot/freeze", "/v1/freeze"]) {
      const answer = yield* Effect.promise(() => call(address, "POST", path, { body }));
      assert.deepStrictEqual([path, answer.status], [path, 400]);
      assert.match(failure(answer.body).message, /^until is 2026-01-31T09:00:00.000Z, which is over at .*to come$/);
    }
  }).pipe(Effect.scoped, Effect.provide(ports)),
);

it.live("an erasure names what there is: no artifact that was never stored, no key of two lines", () =>
  Effect.gen(function* () {
    const { address } = yield* start;
    yield* Effect.promise(() => withApplication(address));
    const ask = (body: unknown, key: string) =>
      Effect.promise(() => call(address, "POST", erasures, { body, headers: { "idempotency-key": key } }));
    const digest = digestOfBytes("never stored");
    const mistyped = yield* ask({ clusterKeys: [], artifacts: [digest], reason: "r" }, "1");
    assert.strictEqual(mistyped.status, 404);
    assert.match(failure(mistyped.body).message, /^artifact sha256:\w+ is not stored, .*; copy its digest again$/);
    const twoLines = yield* ask({ clusterKeys: ["ada\nbob"], artifacts: [], reason: "r" }, "2");
    assert.strictEqual(twoLines.status, 400);
    assert.match(failure(twoLines.body).message, /clusterKeys\[0\]: .*without line breaks/);

    const stored = yield* (yield* ArtifactStore.ArtifactStore).put("texts");
    const asked = { clusterKeys: [], artifacts: [stored], reason: "r" };
    assert.strictEqual((yield* ask(asked, "3")).status, 200);
    const list = Effect.map(
      Effect.promise(() => call(address, "GET", erasures)),
      ({ body }) => Schema.decodeUnknownSync(ErasuresBody)(body).erasures,
    );
    yield* Effect.repeat(list, { until: ([one]) => one?.erasedAt != null });
    assert.strictEqual((yield* ask(asked, "3")).status, 200, "asked again it is the same erasure");
    const again = yield* ask(asked, "4");
    assert.match(failure(again.body).message, /is erased already, by erasure era-\w+; leave it out$/);
    assert.lengthOf(yield* list, 1);
  }).pipe(Effect.scoped, Effect.provide(ports)),
);
