import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert, it } from "@effect/vitest";
import * as ArtifactStore from "@sluice/artifact-store";
import { digestOfBytes, ErasuresBody, Observation, ReleasePassport } from "@sluice/contracts";
import * as EventBus from "@sluice/event-bus";
import * as EventStore from "@sluice/event-store";
import { verifyPassport } from "@sluice/passport";
import { layerPGlite } from "@sluice/postgres";
import { ReleaseLog } from "@sluice/release-log";
import * as Telemetry from "@sluice/telemetry";
import * as TokenStore from "@sluice/token-store";
import { newSigningKey, readSigningKey, readVerifierKey } from "@sluice/transparency";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import * as Result from "effect/Result";
import * as Schema from "effect/Schema";
import { afterAll } from "vitest";
import { registryService } from "./registry-service.ts";
import { call, decided, failure, tokens, verified, withApplication } from "./testing/registry-in-memory.ts";

const folder = mkdtempSync(join(tmpdir(), "sluice-erasure-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const ports = ReleaseLog.layer.pipe(
  Layer.provideMerge(
    Layer.mergeAll(
      EventBus.layerPostgres(),
      ArtifactStore.layerPostgres,
      EventStore.layerPostgres,
      TokenStore.layerPostgres,
    ),
  ),
  Layer.provide(layerPGlite({ directory: join(folder, "postgres") })),
  Layer.provideMerge(Telemetry.layerClickHouse({ path: join(folder, "clickhouse") })),
);

const signingKey = newSigningKey("sluice/record");
const key = Result.getOrThrow(readVerifierKey(Result.getOrThrow(readSigningKey(signingKey)).verifierKey));
const start = registryService({ port: 0, tokens, signingKey, maxRetryMs: 50 });

const now = Date.now();
const said = (clusterKey: string, endedAt = new Date(now - 60_000).toISOString()) =>
  Schema.decodeUnknownSync(Observation)({
    observationId: `${clusterKey}-${endedAt}`,
    application: "support-bot",
    releaseId: null,
    arm: "baseline",
    role: "user",
    assignedBundle: digestOfBytes("a bundle"),
    servedBundle: digestOfBytes("a bundle"),
    clusterKey,
    gatewayId: "gw-1",
    startedAt: endedAt,
    endedAt,
    streamed: false,
    status: 200,
    errorClass: null,
    latencyMs: 7,
    timeToFirstTokenMs: null,
    inputTokens: 1,
    outputTokens: 1,
    finishReason: "stop",
    refused: false,
    payload: { input: `I am ${clusterKey}`, output: "Noted." },
  });
const batch = (observations: ReadonlyArray<Observation>) => ({
  _tag: "ObservationsRecorded" as const,
  batchId: "gw-1/support-bot/1",
  gatewayId: "gw-1",
  application: "support-bot",
  through: new Date(now).toISOString(),
  observations,
});

const erasures = "/v1/applications/support-bot/erasures";
const ofAda = { clusterKeys: ["ada"], reason: "asked for by the user, ticket 4711" };
const first = (address: string) =>
  Effect.map(
    Effect.promise(() => call(address, "GET", erasures)),
    ({ body }) => Schema.decodeUnknownSync(ErasuresBody)(body).erasures[0] ?? assert.fail("no erasure"),
  );

it.live(
  "a user's texts go from telemetry and artifacts, after a stop too, and every proof holds",
  () =>
    Effect.gen(function* () {
      const telemetry = yield* Telemetry.TelemetryStore;
      const texts = telemetry.query("SELECT cluster_key AS key, input AS text FROM observation_texts ORDER BY key");
      yield* telemetry.insertObservations([batch([said("ada"), said("bob")])]);

      // The store is away while it is asked for: it is on record, and open.
      let refused = 0;
      const away = Telemetry.TelemetryStore.of({
        ...telemetry,
        eraseTexts: () =>
          Effect.suspend(() => {
            refused += 1;
            return Effect.fail(new Telemetry.TelemetryError({ operation: "erase", message: "away" }));
          }),
      });
      const before = yield* Effect.gen(function* () {
        const { address } = yield* start;
        return yield* Effect.promise(async () => {
          const { baseline, candidate } = await withApplication(address);
          const put = await call(address, "PUT", "/v1/artifacts", {
            body: JSON.stringify({ text: "answers that quote ada" }),
          });
          const results = Schema.decodeUnknownSync(Schema.Struct({ digest: Schema.String }))(put.body).digest;
          const side = (digest: string) => ({ bundle: digest, results });
          const evidence = {
            evalSet: digestOfBytes("an eval set"),
            producedAt: new Date(now).toISOString(),
            baseline: side(baseline.digest),
            candidate: side(candidate.digest),
          };
          const requested = await call(address, "POST", "/v1/releases", {
            role: "ci",
            body: { application: "support-bot", candidate, team: "support", policy: {}, evidence },
          });
          const inUse = { ...ofAda, artifacts: Object.values(candidate.artifacts) };
          assert.strictEqual(
            failure((await call(address, "POST", erasures, { body: inUse })).body).code,
            "artifact-in-use",
          );
          assert.strictEqual((await call(address, "POST", erasures, { role: "operator", body: ofAda })).status, 403);
          const nothing = await call(address, "POST", erasures, {
            body: { clusterKeys: [], artifacts: [], reason: "x" },
          });
          assert.match(failure(nothing.body).message, /clusterKeys or artifacts that name something/);
          const asked = { body: { ...ofAda, artifacts: [results] }, headers: { "idempotency-key": "ticket-4711" } };
          assert.strictEqual((await call(address, "POST", erasures, asked)).status, 200);
          assert.strictEqual((await call(address, "POST", erasures, asked)).status, 200);
          const other = { body: { ...ofAda, clusterKeys: ["bob"], artifacts: [] }, headers: asked.headers };
          assert.strictEqual(failure((await call(address, "POST", erasures, other)).body).code, "erasure-exists");
          while (refused < 2) await new Promise((resolve) => setTimeout(resolve, 5));
          return {
            results,
            releaseId: decided(requested.body).releaseId ?? "",
            open: await Effect.runPromise(first(address)),
          };
        });
      }).pipe(Effect.scoped, Effect.provideService(Telemetry.TelemetryStore, away));
      assert.isNull(before.open.erasedAt);
      assert.strictEqual((yield* texts).length, 2);

      // The next registry goes on where that one stopped.
      const { address } = yield* start;
      const done = yield* first(address).pipe(Effect.repeat({ until: (one) => one.erasedAt !== null }));
      assert.deepInclude(done, {
        observations: 1,
        judgements: 0,
        artifacts: [before.results],
        author: { id: "the admin", role: "admin" },
      });
      assert.deepStrictEqual(yield* texts, [{ key: "bob", text: "I am bob" }]);
      yield* Effect.promise(async () => {
        const gone = await call(address, "GET", `/v1/artifacts/${before.results}`);
        assert.strictEqual(gone.status, 410);
        assert.match(failure(gone.body).message, /was erased at .* by the admin/);
        const again = await call(address, "PUT", "/v1/artifacts", {
          body: JSON.stringify({ text: "answers that quote ada" }),
        });
        assert.strictEqual(again.status, 410);
        const record = await (
          await fetch(`${address}/v1/audit/rows?after=0`, { headers: { authorization: "Bearer token-of-admin" } })
        ).text();
        assert.include(record, "PayloadsErased");
        assert.notInclude(record, "I am ada");
        assert.deepInclude(verified((await call(address, "GET", "/v1/audit/verify")).body), { faults: [] });
        const { body } = await call(address, "GET", `/v1/audit/releases/${before.releaseId}/passport`);
        const passport = Schema.decodeUnknownSync(ReleasePassport)(body);
        assert.deepStrictEqual(Result.getOrThrow(verifyPassport(passport, key)).faults, []);
        assert.include(JSON.stringify(passport.artifacts), before.results);
      });

      // What the log brings late, or again, is looked for at the next start.
      yield* telemetry.insertObservations([batch([said("ada"), said("ada", new Date(now + 3_600_000).toISOString())])]);
      yield* Effect.scoped(
        Effect.andThen(
          start,
          Effect.repeat(texts, { until: (rows) => rows.filter(({ text }) => text === "I am ada").length === 1 }),
        ),
      );
    }).pipe(Effect.scoped, Effect.provide(ports)),
  60_000,
);
