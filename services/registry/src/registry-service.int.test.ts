import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert, it } from "@effect/vitest";
import * as ArtifactStore from "@sluice/artifact-store";
import {
  type Bundle,
  DecidedBody,
  digestOfBytes,
  ReleaseBody,
  type ReleaseState,
  referenceOf,
  releaseStateTopic,
  VerificationBody,
} from "@sluice/contracts";
import * as EventBus from "@sluice/event-bus";
import * as EventStore from "@sluice/event-store";
import { layerPGlite } from "@sluice/postgres";
import { ReleaseLog } from "@sluice/release-log";
import * as Telemetry from "@sluice/telemetry";
import * as TokenStore from "@sluice/token-store";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import * as Schema from "effect/Schema";
import { registryService } from "./registry-service.ts";

const portsIn = (directory: string) =>
  ReleaseLog.layer.pipe(
    Layer.provideMerge(
      Layer.mergeAll(
        EventBus.layerPostgres(),
        ArtifactStore.layerPostgres,
        EventStore.layerPostgres,
        Telemetry.layerMemory,
        TokenStore.layerPostgres,
      ),
    ),
    Layer.provide(layerPGlite({ directory })),
  );

const tokens = [{ tokenDigest: digestOfBytes("secret"), id: "ada", role: "admin" as const }];

const call = async <A>(
  schema: Schema.Codec<A, unknown>,
  address: string,
  method: string,
  path: string,
  body?: unknown,
) => {
  const response = await fetch(`${address}${path}`, {
    method,
    headers: { authorization: "Bearer secret", ...(body !== undefined && { "content-type": "application/json" }) },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const answer: unknown = await response.json();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${JSON.stringify(answer)}`);
  return Schema.decodeUnknownSync(schema)(answer);
};

const bundle = (prompt: string): Bundle => ({
  prompt: { kind: "prompt", messages: [{ role: "system", content: prompt }] },
  model: { kind: "model", provider: "local", model: "small-1", parameters: {} },
});

const store = async (address: string, stored: Bundle) => {
  for (const part of Object.values(stored)) await call(Schema.Unknown, address, "PUT", "/v1/artifacts", part);
  return referenceOf(stored);
};

/** One life of the registry on a directory. */
const life = <A>(directory: string, use: (address: string) => Promise<A>) =>
  Effect.gen(function* () {
    const { address } = yield* registryService({ port: 0, tokens });
    const result = yield* Effect.promise(() => use(address));
    const states = new Map<string, ReleaseState>();
    const bus = yield* EventBus.EventBus;
    yield* bus.follow(releaseStateTopic, (batch) =>
      Effect.sync(() => {
        for (const { event } of batch) states.set(event.application, event);
      }),
    );
    return { result, states };
  }).pipe(Effect.scoped, Effect.provide(portsIn(directory)));

const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "sluice-registry-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true })),
);

it.live("on PGlite every answer is on record at once, and a restart goes on with the same record", () =>
  Effect.gen(function* () {
    const directory = join(yield* folder, "postgres");
    const first = yield* life(directory, async (address) => {
      const baseline = await store(address, bundle("Be brief."));
      const candidate = await store(address, bundle("Be thorough."));
      await call(DecidedBody, address, "POST", "/v1/applications", { application: "support-bot", baseline });
      const request = { application: "support-bot", candidate, team: "support" };
      const { releaseId } = await call(DecidedBody, address, "POST", "/v1/releases", request);
      const path = `/v1/releases/${releaseId}`;
      for (let n = 0; n < 10; n++) {
        const verb = n % 2 === 0 ? "pause" : "resume";
        await call(DecidedBody, address, "POST", `${path}/${verb}`, { reason: `turn ${n}` });
        const { events } = await call(ReleaseBody, address, "GET", path);
        assert.strictEqual(events.length, n + 2, "an answered request must be on record");
      }
      return { path, record: await call(ReleaseBody, address, "GET", path) };
    });
    assert.strictEqual(first.states.get("support-bot")?.version, 12);

    const second = yield* life(directory, async (address) => {
      assert.deepStrictEqual(await call(ReleaseBody, address, "GET", first.result.path), first.result.record);
      await call(DecidedBody, address, "POST", `${first.result.path}/abort`, { reason: "enough" });
      return call(VerificationBody, address, "GET", "/v1/audit/verify");
    });
    assert.deepStrictEqual([second.result.rows, second.result.faults], [13, []]);
    assert.strictEqual(second.states.get("support-bot")?.last?.phase, "aborted");
  }).pipe(Effect.scoped),
);
