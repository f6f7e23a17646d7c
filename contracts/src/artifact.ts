import * as Schema from "effect/Schema";
import { digestOf } from "./digest.ts";
import { Digest } from "./primitives.ts";

const Json = Schema.Json;

/** Message content is OpenAI's: text, or parts (images and others) that pass through untouched. */
export const PromptMessage = Schema.Struct({
  role: Schema.Literals(["system", "developer", "user", "assistant"]),
  content: Schema.String.check(Schema.isMaxLength(262_144)),
});

/** Messages put before the caller's own. `{{name}}` is filled from the request's `metadata`. */
export const PromptArtifact = Schema.Struct({
  kind: Schema.Literal("prompt"),
  messages: Schema.Array(PromptMessage).check(Schema.isMaxLength(64)),
}).annotate({ identifier: "PromptArtifact" });

/** `provider` names an upstream in the gateway's configuration; keys and addresses are never part of an artifact. */
export const ModelArtifact = Schema.Struct({
  kind: Schema.Literal("model"),
  provider: Schema.NonEmptyString,
  model: Schema.NonEmptyString,
  parameters: Schema.Record(Schema.String, Json),
}).annotate({ identifier: "ModelArtifact" });

export const RetrievalIndexArtifact = Schema.Struct({
  kind: Schema.Literal("retrieval-index"),
  name: Schema.NonEmptyString,
  version: Schema.NonEmptyString,
}).annotate({ identifier: "RetrievalIndexArtifact" });

/** `tools` as in an OpenAI request. */
export const ToolSchemaArtifact = Schema.Struct({
  kind: Schema.Literal("tool-schema"),
  tools: Schema.Array(Json).check(Schema.isMaxLength(256)),
}).annotate({ identifier: "ToolSchemaArtifact" });

export const Artifact = Schema.Union([
  PromptArtifact,
  ModelArtifact,
  RetrievalIndexArtifact,
  ToolSchemaArtifact,
]).annotate({ identifier: "Artifact" });
export type Artifact = typeof Artifact.Type;

/** The artifacts served together, with their contents: what the gateway renders. */
export const Bundle = Schema.Struct({
  prompt: PromptArtifact,
  model: ModelArtifact,
  "retrieval-index": Schema.optionalKey(RetrievalIndexArtifact),
  "tool-schema": Schema.optionalKey(ToolSchemaArtifact),
}).annotate({ identifier: "Bundle" });
export type Bundle = typeof Bundle.Type;

/** A bundle by address: its own digest and the digests of its parts. */
export const BundleReference = Schema.Struct({
  digest: Digest,
  artifacts: Schema.Struct({
    prompt: Digest,
    model: Digest,
    "retrieval-index": Schema.optionalKey(Digest),
    "tool-schema": Schema.optionalKey(Digest),
  }),
}).annotate({ identifier: "BundleReference" });
export type BundleReference = typeof BundleReference.Type;

/** The digest of a bundle is the hash of its parts' digests, so it can be checked without the contents. */
export const bundleDigest = (artifacts: BundleReference["artifacts"]): Digest => digestOf(artifacts);

export const referenceOf = (bundle: Bundle): BundleReference => {
  const tools = bundle["tool-schema"];
  const index = bundle["retrieval-index"];
  const artifacts = {
    prompt: digestOf(bundle.prompt),
    model: digestOf(bundle.model),
    ...(index && { "retrieval-index": digestOf(index) }),
    ...(tools && { "tool-schema": digestOf(tools) }),
  };
  return { digest: bundleDigest(artifacts), artifacts };
};
