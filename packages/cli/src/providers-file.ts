import { readFileSync } from "node:fs";
import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import * as Schema from "effect/Schema";
import { usageError } from "./exit.ts";

/** What both the gateway and the model judges need of an upstream; the gateway's page lists what else it knows. */
const Providers = Schema.Record(
  Schema.String,
  Schema.Struct({
    baseUrl: Schema.String.check(Schema.isPattern(/^https?:\/\//u, { expected: "an http or https address" })),
    apiKeyEnv: Schema.optionalKey(Schema.NonEmptyString),
    headers: Schema.optionalKey(Schema.Record(Schema.String, Schema.String)),
  }),
);
export type Providers = typeof Providers.Type;

/** Upstreams by name. Without a file there are none: every release can be gated, none can be served. */
export const readProviders = (file: string | undefined) =>
  Effect.suspend(() => {
    if (file === undefined) return Effect.succeed<Providers>({});
    let content: unknown;
    try {
      content = JSON.parse(readFileSync(file, "utf8"));
    } catch (cause) {
      return Effect.fail(usageError(`--providers ${file}: ${cause instanceof Error ? cause.message : String(cause)}`));
    }
    const decoded = Schema.decodeUnknownResult(Providers)(content, { onExcessProperty: "error" });
    return Result.isSuccess(decoded)
      ? Effect.succeed(decoded.success)
      : Effect.fail(usageError(`--providers ${file}: ${decoded.failure.message.replaceAll(/\s*\n\s*/g, " ")}`));
  });
