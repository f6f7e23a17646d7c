import { readFileSync } from "node:fs";
import {
  defaultPolicy,
  faultOfWebhookSecret,
  OidcProvider,
  OrganisationConfiguration,
  Policy,
  TokenGrant,
  Webhook,
} from "@sluice/contracts";
import {
  environment,
  environmentLayers,
  launch,
  readSettings,
  releaseMetrics,
  SettingsError,
} from "@sluice/service-host";
import * as Config from "effect/Config";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import * as Option from "effect/Option";
import * as Redacted from "effect/Redacted";
import * as Schema from "effect/Schema";
import { parse } from "yaml";
import { registryService } from "./registry-service.ts";

const { releaseLog, artifacts, eventStore, telemetry, tokens } = environmentLayers("sluice-registry");

const decodeOrganisation = Schema.decodeUnknownSync(OrganisationConfiguration, { onExcessProperty: "error" });

/** What the JSON file holds that the variable names; empty where the variable is not set. */
const listIn = <A>(variable: string, item: Schema.Codec<A, unknown>) =>
  Effect.gen(function* () {
    const file = yield* Config.option(Config.String(variable));
    if (Option.isNone(file)) return [];
    const decode = Schema.decodeUnknownSync(Schema.fromJsonString(Schema.Array(item)));
    return yield* Effect.try({
      try: () => decode(readFileSync(file.value, "utf8"), { onExcessProperty: "error" }),
      catch: (cause) =>
        new SettingsError({
          message: `${variable}=${file.value}: ${(cause instanceof Error ? cause.message : String(cause)).replaceAll(/\s*\n\s*/g, " ")}`,
        }),
    });
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

/** What the record is signed with: the key itself, or a file that holds it. */
const signingKey = Effect.gen(function* () {
  const given = yield* Config.option(Config.Redacted("SLUICE_SIGNING_KEY"));
  // Compose files hand over what is not set as an empty text.
  if (Option.isSome(given) && Redacted.value(given.value).trim() !== "") return Redacted.value(given.value);
  const file = yield* Config.option(Config.String("SLUICE_SIGNING_KEY_FILE"));
  if (Option.isSome(file))
    return yield* Effect.try({
      try: () => readFileSync(file.value, "utf8"),
      catch: () => new SettingsError({ message: `SLUICE_SIGNING_KEY_FILE=${file.value}: cannot be read` }),
    });
  yield* Effect.logWarning("the record is not signed: set SLUICE_SIGNING_KEY_FILE (docs/audit.md says how)");
  return null;
});

/** Receivers of release state, with the keys that their variables hold. */
const webhooks = Effect.flatMap(listIn("SLUICE_WEBHOOKS_FILE", Webhook), (listed) =>
  Effect.forEach(listed, (webhook) =>
    Effect.flatMap(Config.Redacted(webhook.secretEnv), (redacted) => {
      const secret = Redacted.value(redacted);
      const fault = faultOfWebhookSecret(secret);
      return fault === null
        ? Effect.succeed({ ...webhook, secret })
        : Effect.fail(new SettingsError({ message: `webhook ${webhook.id}: ${webhook.secretEnv} ${fault}` }));
    }),
  ),
);

const settings = readSettings({
  host: Config.String("SLUICE_HOST").pipe(Config.withDefault("127.0.0.1")),
  port: Config.Port("SLUICE_PORT").pipe(Config.withDefault(4_400)),
  /** Tokens that let in also while the database is down. */
  tokens: listIn("SLUICE_TOKENS_FILE", TokenGrant),
  oidc: listIn("SLUICE_OIDC_FILE", OidcProvider),
  organisationPolicy,
  webhooks,
  signingKey,
  checkpointDirectory: Effect.map(Config.option(Config.NonEmptyString("SLUICE_CHECKPOINT_DIR")), Option.getOrNull),
});

const isLoopback = (host: string) => /^(?:127\.\d+\.\d+\.\d+|localhost|::1)$/u.test(host);

const { bus, database, telemetry: clickhouse } = environment;

launch("registry", { bus, database, clickhouse, settings }, ({ settings: chosen }) =>
  Effect.gen(function* () {
    const ports = yield* Layer.build(Layer.mergeAll(releaseLog, artifacts, eventStore, telemetry, tokens));
    const { address, firstAdminToken, hasAdmin } = yield* Effect.provideContext(
      registryService(chosen).pipe(
        Effect.tap(() => releaseMetrics),
        Effect.catchTag("ListenError", ({ message }) => Effect.fail(new SettingsError({ message }))),
      ),
      ports,
    );
    if (isLoopback(chosen.host)) {
      const token = yield* firstAdminToken;
      // On the terminal of whoever tries it, and not in the log: logs are kept and read by others.
      if (token !== null) process.stderr.write(`admin token (shown once): ${token}\n`);
    } else if (!(yield* hasAdmin))
      return yield* new SettingsError({
        message: "nobody is an admin yet: name a first token in SLUICE_TOKENS_FILE, and make the others with it",
      });
    yield* Effect.logInfo("listening").pipe(Effect.annotateLogs({ address }));
  }),
);
