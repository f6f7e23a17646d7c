import { faultOfWebhookSecret, OidcProviders, type Webhook, Webhooks } from "@sluice/contracts";
import * as Command from "effect/cli/Command";
import * as Flag from "effect/cli/Flag";
import * as Effect from "effect/Effect";
import * as Option from "effect/Option";
import { usableDirectory } from "../data-directory.ts";
import { internalError, servesUntilStopped, usageError } from "../exit.ts";
import { organisation, port } from "../flags.ts";
import { print, printJsonLine } from "../output.ts";
import { pagesFile, readPages } from "../pages-file.ts";
import { readProviders } from "../providers-file.ts";
import { readOrganisationPolicy } from "../rules-file.ts";
import { readSettingsFile } from "../settings-file.ts";
import { startFailure } from "../start-failure.ts";
import { readTokens } from "../token-file.ts";

export const upCommand = Command.make(
  "up",
  {
    data: Flag.String("data").pipe(
      Flag.withDescription("Directory that keeps everything; one process at a time"),
      Flag.withDefault(".sluice/data"),
    ),
    host: Flag.String("host").pipe(
      Flag.withDescription("Address to listen on; anything but loopback lets others in"),
      Flag.withDefault("127.0.0.1"),
    ),
    port: port("port", "Port of the registry (0 takes a free one)", 4_400),
    gatewayPort: port("gateway-port", "Port of the gateway (0 takes a free one)", 4_401),
    providers: Flag.String("providers").pipe(
      Flag.withDescription("JSON file: provider name to { baseUrl, apiKeyEnv, … }"),
      Flag.optional,
    ),
    webhooks: Flag.String("webhooks").pipe(
      Flag.withDescription("JSON file: who is told of every change of release state"),
      Flag.optional,
    ),
    oidc: Flag.String("oidc").pipe(
      Flag.withDescription("JSON file: issuers whose workflow tokens let CI in, and their rules"),
      Flag.optional,
    ),
    organisation,
    pages: pagesFile,
    webhook: Flag.String("page-webhook").pipe(
      Flag.withDescription("The short way: URL that pages and notices are posted to"),
      Flag.optional,
    ),
    json: Flag.Boolean("json").pipe(
      Flag.withDescription(
        "One line of JSON once all is ready: adminToken (once, else null), registry, gateway, verifierKey",
      ),
      Flag.withDefault(false),
    ),
  },
  (flags) =>
    Effect.gen(function* () {
      yield* usableDirectory("--data", flags.data);
      const providers = yield* readProviders(Option.getOrUndefined(flags.providers));
      const tokens = yield* readTokens(flags.data);
      const listed = yield* readSettingsFile("--webhooks", Option.getOrUndefined(flags.webhooks), Webhooks, []);
      const webhooks = yield* Effect.forEach(listed, withSecret);
      const oidc = yield* readSettingsFile("--oidc", Option.getOrUndefined(flags.oidc), OidcProviders, []);
      const floor = yield* readOrganisationPolicy(Option.getOrUndefined(flags.organisation));
      const channels = yield* readPages(Option.getOrUndefined(flags.pages), Option.getOrUndefined(flags.webhook));
      // Loaded here: other verbs must not wait for databases that they do not use.
      const { embeddedStack } = yield* Effect.promise(() => import("@sluice/stack"));
      const stack = yield* embeddedStack({
        directory: flags.data,
        registry: { host: flags.host, port: flags.port, tokens, oidc, webhooks, organisationPolicy: floor },
        gateway: { host: flags.host, port: flags.gatewayPort, providers },
        controller: {},
        shadowJudge: {},
        judge: { providers },
        channels,
      }).pipe(Effect.mapError(startFailure));
      const created = yield* Effect.mapError(stack.firstAdminToken, ({ message }) => internalError(message));
      const { registryAddress: registry, gatewayAddress, verifierKey } = stack;
      const gateway = `${gatewayAddress}/v1`;
      if (flags.json) yield* printJsonLine({ adminToken: created, registry, gateway, verifierKey });
      else {
        if (created !== null) yield* print(`admin token (shown once): ${created}`);
        yield* print(`registry ${registry}`);
        yield* print(`gateway  ${gateway}`);
        yield* print(`record   signed by ${verifierKey}`);
        yield* print("ready; stop with Ctrl-C");
      }
      servesUntilStopped();
      yield* Effect.never;
    }),
).pipe(Command.withDescription("Run all services in this process on an embedded database"));

const withSecret = (webhook: Webhook) => {
  const secret = process.env[webhook.secretEnv] ?? "";
  const fault = faultOfWebhookSecret(secret);
  return fault === null
    ? Effect.succeed({ ...webhook, secret })
    : Effect.fail(usageError(`webhook ${webhook.id}: ${webhook.secretEnv} ${fault}`));
};
