import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import { afterAll } from "vitest";
import { ArtifactStore } from "./artifact-store.ts";
import { artifactStoreContract } from "./artifact-store-contract.ts";
import { layerS3 } from "./s3-artifact-store.ts";

// A server of others that speaks S3 and checks signatures; it has no types.
interface S3Server {
  readonly run: () => Promise<AddressInfo>;
  readonly close: () => Promise<void>;
}
const S3rver = createRequire(import.meta.url)("@20minutes/s3rver") as new (options: object) => S3Server;

const directory = mkdtempSync(join(tmpdir(), "sluice-s3-"));
const server = new S3rver({
  address: "127.0.0.1",
  port: 0,
  silent: true,
  directory,
  configureBuckets: [{ name: "artifacts" }],
});
const { port } = await server.run();
afterAll(async () => {
  await server.close();
  rmSync(directory, { recursive: true, force: true });
});

const settings = {
  url: `http://127.0.0.1:${port}/artifacts/sluice`,
  region: "us-east-1",
  accessKeyId: "S3RVER",
  secretAccessKey: "S3RVER",
};

artifactStoreContract("artifacts in an S3-compatible store", layerS3(settings));

it.live("what somebody else put in an artifact's place is never handed out", () =>
  Effect.gen(function* () {
    const artifacts = yield* ArtifactStore;
    const digest = yield* artifacts.put("evidence");
    const folder = join(directory, "artifacts", "sluice", "sha256");
    for (const file of readdirSync(folder))
      if (file.startsWith(digest.slice(7)) && file.endsWith("object")) writeFileSync(join(folder, file), "forgery!");
    assert.match((yield* Effect.flip(artifacts.get(digest))).message, /is damaged in the store/);
  }).pipe(Effect.provide(layerS3(settings))),
);

it.live("wrong credentials and a server that is away are told in one sentence, without the secret", () =>
  Effect.gen(function* () {
    const put = Effect.flip(Effect.flatMap(ArtifactStore, (artifacts) => artifacts.put("x")));
    const wrong = yield* Effect.provide(put, layerS3({ ...settings, secretAccessKey: "very-secret" }));
    assert.match(wrong.message, /refused the credentials/);
    assert.notInclude(wrong.message, "very-secret");
    const away = yield* Effect.provide(put, layerS3({ ...settings, url: "http://127.0.0.1:9/artifacts" }));
    assert.match(away.message, /cannot be reached/);
  }),
);
