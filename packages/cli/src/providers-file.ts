import * as Schema from "effect/Schema";
import { readSettingsFile } from "./settings-file.ts";

const Amount = Schema.Finite.check(Schema.isGreaterThanOrEqualTo(0));

/** What both the gateway and the model judges need of an upstream; the gateway's page lists what else it knows. */
const Providers = Schema.Record(
  Schema.String,
  Schema.Struct({
    baseUrl: Schema.String.check(Schema.isPattern(/^https?:\/\//u, { expected: "an http or https address" })),
    apiKeyEnv: Schema.optionalKey(Schema.NonEmptyString),
    headers: Schema.optionalKey(Schema.Record(Schema.String, Schema.String)),
    judgeBudget: Schema.optionalKey(
      Schema.Struct({ tokensPerHour: Schema.optionalKey(Amount), usdPerHour: Schema.optionalKey(Amount) }),
    ),
    prices: Schema.optionalKey(
      Schema.Record(Schema.String, Schema.Struct({ inputUsdPerMillion: Amount, outputUsdPerMillion: Amount })),
    ),
  }),
);
export type Providers = typeof Providers.Type;

/** Upstreams by name. Without a file there are none: every release can be gated, none can be served. */
export const readProviders = (file: string | undefined) => readSettingsFile("--providers", file, Providers, {});
