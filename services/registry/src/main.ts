import { readFileSync } from "node:fs";
import { defaultPolicy, OrganisationConfiguration, Policy } from "@sluice/contracts";
import { environmentLayers, launch, SettingsError } from "@sluice/service-host";
import * as Config from "effect/Config";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import * as Option from "effect/Option";
import * as Schema from "effect/Schema";
import { parse } from "yaml";
import { registryService } from "./registry-service.ts";
import { TokenGrant } from "./settings.ts";

const { releaseLog, artifacts, eventStore, telemetry } = environmentLayers("sluice-registry");

const decodeOrganisation = Schema.decodeUnknownSync(OrganisationConfiguration, { onExcessProperty: "error" });
const decodeGrants = Schema.decodeUnknownSync(Schema.fromJsonString(Schema.Array(TokenGrant)));

const settings = Effect.gen(function* () {
  const { host, port, file } = yield* Config.all({
    host: Config.String("SLUICE_HOST").pipe(Config.withDefault("127.0.0.1")),
    port: Config.Port("SLUICE_PORT").pipe(Config.withDefault(4_400)),
    /** JSON: token digests with id and role; nobody gets in without one. */
    file: Config.String("SLUICE_TOKENS_FILE"),
  });
  const tokens = yield* Effect.try({
    try: () => decodeGrants(readFileSync(file, "utf8")),
    catch: (cause) =>
      new SettingsError({
        message: `SLUICE_TOKENS_FILE=${file}: ${(cause instanceof Error ? cause.message : String(cause)).replaceAll(/\s*\n\s*/g, " ")}`,
      }),
  });
  return { host, port, tokens, organisationPolicy: yield* organisationPolicy };
});

/** YAML or JSON, as `sluice policy validate` checks it: requests under a looser policy are refused. */
const organisationPolicy = Effect.gen(function* () {
  const file = yield* Config.option(Config.NonEmptyString("SLUICE_ORGANISATION_POLICY"));
  if (Option.isNone(file)) return null;
  const { policy } = yield* Effect.try({
    try: () => decodeOrganisation(parse(readFileSync(file.value, "utf8"))),
    catch: (cause) =>
      new SettingsError({
        message: `SLUICE_ORGANISATION_POLICY=${file.value}: ${(cause instanceof Error ? cause.message : String(cause)).replaceAll(/\s*\n\s*/g, " ")}`,
      }),
  });
  return Schema.encodeSync(Policy)(policy ?? defaultPolicy);
});

launch(
  "registry",
  Effect.gen(function* () {
    const ports = yield* Layer.build(Layer.mergeAll(releaseLog, artifacts, eventStore, telemetry));
    const { address } = yield* Effect.provideContext(registryService(yield* settings), ports);
    yield* Effect.logInfo("listening").pipe(Effect.annotateLogs({ address }));
  }),
);
