import { digestOfBytes } from "@sluice/contracts";
import { AwsClient } from "aws4fetch";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import * as Option from "effect/Option";
import { ArtifactStore, ArtifactStoreError, MAX_ARTIFACT_BYTES } from "./artifact-store.ts";
import { contentOf } from "./content.ts";

export interface S3Settings {
  /** The bucket's address, path style, with a prefix if wanted: `https://s3.eu-central-1.amazonaws.com/bucket/sluice`. */
  readonly url: string;
  readonly region: string;
  readonly accessKeyId: string;
  /** Never logged. */
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  readonly timeoutMs?: number;
}

/** A request that takes longer has failed: an evaluation can be asked for again. */
const TIMEOUT_MS = 30_000;

type Operation = ArtifactStoreError["operation"];

/**
 * Artifacts as objects of an S3-compatible store, each under its digest. An object is written only where there is none
 * (`If-None-Match`, where the store knows it), and what is read is compared with its address: so no other writer of the
 * bucket can put something else in an artifact's place. Give the bucket a retention rule of its own against deletion.
 */
export const layerS3 = ({ url, timeoutMs = TIMEOUT_MS, ...credentials }: S3Settings): Layer.Layer<ArtifactStore> =>
  Layer.sync(ArtifactStore, () => {
    const client = new AwsClient({ ...credentials, service: "s3", retries: 3 });
    const addressOf = (digest: string) => `${url.replace(/\/$/u, "")}/${digest.replace(":", "/")}`;

    const send = (operation: Operation, digest: string, init: RequestInit) =>
      Effect.tryPromise({
        try: async (signal) =>
          client.fetch(addressOf(digest), {
            ...init,
            signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
          }),
        catch: (cause) =>
          failure(
            operation,
            `the artifact store cannot be reached: ${cause instanceof Error ? cause.message : "unknown"}`,
          ),
      });

    const has = Effect.fn("ArtifactStore.has")(function* (digest: string) {
      const { status } = yield* send("get", digest, { method: "HEAD" });
      if (status === 200 || status === 404) return status === 200;
      return yield* refused("get", status);
    });

    const put = Effect.fn("ArtifactStore.put")(function* (content: string | Uint8Array) {
      const bytes = yield* contentOf(content);
      const digest = digestOfBytes(bytes);
      // Most artifacts are put again and again: asking first saves sending them.
      if (yield* has(digest)) return digest;
      const { status } = yield* send("put", digest, {
        method: "PUT",
        body: new Uint8Array(bytes),
        headers: { "content-type": "application/octet-stream", "if-none-match": "*" },
      });
      // 412: somebody else has just put the same bytes.
      if (status === 200 || status === 201 || status === 412) return digest;
      return yield* refused("put", status);
    });

    const get = Effect.fn("ArtifactStore.get")(function* (digest: string) {
      const response = yield* send("get", digest, { method: "GET" });
      if (response.status === 404) return Option.none<Uint8Array>();
      if (response.status !== 200) return yield* refused("get", response.status);
      if (Number(response.headers.get("content-length") ?? 0) > MAX_ARTIFACT_BYTES)
        return yield* failure("get", `artifact ${digest} is larger than any that was stored`);
      const bytes = yield* Effect.tryPromise({
        try: async () => new Uint8Array(await response.arrayBuffer()),
        catch: () => failure("get", `artifact ${digest} broke off while it was read`),
      });
      const found = digestOfBytes(bytes);
      if (found !== digest)
        return yield* failure("get", `artifact ${digest} is damaged in the store: its bytes have digest ${found}`);
      return Option.some<Uint8Array>(bytes);
    });

    /** With a bucket that keeps versions, or locks objects, the store's own rules say when they go. */
    const remove = Effect.fn("ArtifactStore.remove")(function* (digest: string) {
      if (!(yield* has(digest))) return false;
      const { status } = yield* send("remove", digest, { method: "DELETE" });
      if (status === 200 || status === 204 || status === 404) return true;
      return yield* refused("remove", status);
    });

    return ArtifactStore.of({ put, has, get, remove });
  });

const failure = (operation: Operation, message: string) => new ArtifactStoreError({ operation, message });

const refused = (operation: Operation, status: number) =>
  failure(
    operation,
    status === 403
      ? "the artifact store refused the credentials (403); check the key and what it may do in the bucket"
      : `the artifact store answered ${status}`,
  );
