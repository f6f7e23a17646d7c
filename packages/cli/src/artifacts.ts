import { MAX_ARTIFACT_BYTES } from "@sluice/artifact-store";
import {
  ArtifactStoredBody,
  type Bundle,
  type BundleReference,
  Bundle as BundleSchema,
  canonicalJson,
  type Digest,
  referenceOf,
} from "@sluice/contracts";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import { type Exit, internalError } from "./exit.ts";
import { readBytes } from "./file-content.ts";
import { askRegistry, callRegistry, type RegistryAddress } from "./registry-client.ts";

/** Stores bytes as they are, text as UTF-8; the answer is their address. */
export const putArtifact = (address: RegistryAddress, content: string | Uint8Array): Effect.Effect<Digest, Exit> =>
  Effect.map(
    askRegistry(address, { method: "PUT", path: "/v1/artifacts", bytes: Buffer.from(content) }, ArtifactStoredBody),
    ({ value }) => value.digest,
  );

/** Stores every part of the bundle in its canonical form. */
export const putBundle = (address: RegistryAddress, bundle: Bundle): Effect.Effect<BundleReference, Exit> =>
  Effect.as(
    Effect.forEach(Object.values(bundle), (part) => putArtifact(address, canonicalJson(part)), { discard: true }),
    referenceOf(bundle),
  );

/** The bundle's parts as they are stored; what does not hash to the reference is not that bundle. */
export const getBundle = (address: RegistryAddress, reference: BundleReference): Effect.Effect<Bundle, Exit> =>
  Effect.gen(function* () {
    const parts: Record<string, unknown> = {};
    for (const [part, digest] of Object.entries(reference.artifacts))
      parts[part] = yield* callRegistry(address, { method: "GET", path: `/v1/artifacts/${digest}` });
    const bundle = yield* Effect.mapError(Schema.decodeUnknownEffect(BundleSchema)(parts), () =>
      internalError(`the registry at ${address.url} holds no bundle under ${reference.digest}`),
    );
    if (referenceOf(bundle).digest === reference.digest) return bundle;
    return yield* internalError(`the registry at ${address.url} answered another bundle than ${reference.digest}`);
  });

export const putFile = (address: RegistryAddress, file: string): Effect.Effect<Digest, Exit> =>
  Effect.flatMap(readBytes(file, { maxBytes: MAX_ARTIFACT_BYTES }), (bytes) => putArtifact(address, bytes));
