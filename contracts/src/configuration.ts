import * as Schema from "effect/Schema";
import { ModelArtifact, PromptMessage, RetrievalIndexArtifact, ToolSchemaArtifact } from "./artifact.ts";
import { Policy } from "./policy.ts";
import { ApplicationName } from "./primitives.ts";
import { ResultRules } from "./result-rules.ts";

const Path = Schema.NonEmptyString.check(Schema.isMaxLength(1_000));

/** The parts of the bundle as a repository holds them; each becomes an artifact with its own digest. */
export const BundleConfiguration = Schema.Struct({
  prompt: Schema.optionalKey(
    Schema.Array(PromptMessage).check(Schema.isMaxLength(64)).annotate({
      description: "Messages put before the caller's own; `{{name}}` is filled from the request's metadata.",
    }),
  ),
  promptFile: Schema.optionalKey(
    Path.annotate({
      description: "Instead of `prompt`: a file whose text is the one system message. Relative to this file.",
    }),
  ),
  model: Schema.Struct({
    provider: ModelArtifact.fields.provider,
    model: ModelArtifact.fields.model,
    parameters: Schema.optionalKey(ModelArtifact.fields.parameters),
  }).annotate({ description: "Provider (an upstream of the gateway, never an address or a key), model, parameters." }),
  retrievalIndex: Schema.optionalKey(
    Schema.Struct({
      name: RetrievalIndexArtifact.fields.name,
      version: RetrievalIndexArtifact.fields.version,
    }).annotate({
      description: "The retrieval index that the model is served with.",
    }),
  ),
  tools: Schema.optionalKey(
    ToolSchemaArtifact.fields.tools.annotate({ description: "Tools as in an OpenAI request." }),
  ),
}).check(
  Schema.makeFilter(
    (bundle) =>
      (bundle.prompt === undefined) !== (bundle.promptFile === undefined) ||
      "either prompt or promptFile, and not both",
  ),
);
export type BundleConfiguration = typeof BundleConfiguration.Type;

/** `staging`, `production`: the same application in front of other users. */
export const EnvironmentName = Schema.String.check(
  Schema.isPattern(/^[a-z][a-z0-9-]{0,31}$/u, { expected: "1 to 32 of a-z, 0-9, '-', starting with a letter" }),
).annotate({ identifier: "EnvironmentName" });

const rules = {
  results: Schema.optionalKey(
    ResultRules.annotateKey({ description: "How results of other tools are read; what is left out has its default." }),
  ),
  policy: Schema.optionalKey(Policy.annotateKey({ description: "What is left out has its default." })),
};

/** What holds for all applications of an organisation, unless they say otherwise; production may not be looser. */
export const OrganisationConfiguration = Schema.Struct({
  version: Schema.Literal(1).annotate({ description: "Version of this format." }),
  ...rules,
}).annotate({
  identifier: "OrganisationConfiguration",
  title: "Sluice rules of an organisation",
  description: "What holds for every application unless it says otherwise; in production it may not be looser.",
});

/** `sluice.yaml`: what a repository releases, and under which rules. Unknown fields are errors: see `decodeConfiguration`. */
export const Configuration = Schema.Struct({
  version: Schema.Literal(1).annotate({ description: "Version of this format." }),
  application: ApplicationName.annotateKey({ description: "What users call; also the model name in a request." }),
  team: Schema.NonEmptyString.check(Schema.isMaxLength(100)).annotate({
    description: "Overrides of the gate are counted for it.",
  }),
  bundle: BundleConfiguration.annotateKey({ description: "The artifacts served together." }),
  evalSet: Schema.optionalKey(
    Path.annotate({ description: "File with the eval cases, one JSON object a line. Relative to this file." }),
  ),
  extends: Schema.optionalKey(
    Path.annotate({
      description: "File with the rules of the organisation, which come before these. Relative to this file.",
    }),
  ),
  ...rules,
  environments: Schema.optionalKey(
    Schema.Record(
      EnvironmentName,
      Schema.Struct({ policy: Schema.optionalKey(Policy.annotateKey({ description: "What differs there." })) }),
    ).annotate({
      description: "What differs where the application runs; `production` may be no looser than any other.",
    }),
  ),
}).annotate({
  identifier: "Configuration",
  title: "sluice.yaml",
  description: "What a repository releases, and under which rules.",
});
export type Configuration = typeof Configuration.Type;

/** Fails with every fault at once, each with its place; a misspelt field is a fault. */
export const decodeConfiguration = Schema.decodeUnknownResult(Configuration, {
  errors: "all",
  onExcessProperty: "error",
});
