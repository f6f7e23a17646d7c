import { ReleasePhase, withDefault } from "@sluice/contracts";
import * as Schema from "effect/Schema";

const Positive = Schema.Int.check(Schema.isGreaterThan(0));
const Name = Schema.String.check(
  Schema.isPattern(/^[a-z0-9][a-z0-9._-]{0,62}$/u, { expected: "1 to 63 of a-z, 0-9, '.', '_', '-'" }),
);
const EnvironmentName = Schema.String.check(
  Schema.isPattern(/^[A-Za-z_][A-Za-z0-9_]{0,127}$/u, { expected: "the name of an environment variable" }),
);
const Url = Schema.String.check(Schema.isPattern(/^https?:\/\//u, { expected: "an http or https address" }));

/** Which ends of releases a channel is told of. */
const Notices = Schema.Union([Schema.Literals(["all", "none"]), Schema.Array(ReleasePhase)]);

const common = (notices: "all" | "none") => ({
  /** Its name in the record and in the metrics. */
  name: Name,
  /** Whether it takes pages; the order of the file is the order of escalation. */
  pages: withDefault(Schema.Boolean, true),
  notices: withDefault(Notices, notices),
  /** One attempt; a message is attempted four times before the next channel is told. */
  timeoutMs: withDefault(Positive, 5_000),
});

/** Secrets are named, not written: the value is read from the environment. */
export const ChannelSettings = Schema.Union([
  Schema.Struct({
    kind: Schema.Literal("pagerduty"),
    ...common("none"),
    /** Variable with the integration key of Events API v2. */
    routingKeyEnv: EnvironmentName,
    url: withDefault(Url, "https://events.pagerduty.com"),
  }),
  Schema.Struct({
    kind: Schema.Literal("alertmanager"),
    ...common("none"),
    /** Base address of the Alertmanager: alerts go to its `/api/v2/alerts`. */
    url: Url,
    /** Variable with a bearer token. */
    tokenEnv: Schema.optionalKey(EnvironmentName),
  }),
  Schema.Struct({
    kind: Schema.Literal("slack"),
    ...common("all"),
    /** Variable with the address of the incoming webhook, which is a secret. */
    urlEnv: EnvironmentName,
  }),
  Schema.Struct({
    kind: Schema.Literal("webhook"),
    ...common("all"),
    url: Schema.optionalKey(Url),
    /** Instead of `url`, where the address holds a token. */
    urlEnv: Schema.optionalKey(EnvironmentName),
    /** Variable with the key that signs each message. */
    secretEnv: Schema.optionalKey(EnvironmentName),
    format: withDefault(Schema.Literals(["sluice", "alertmanager"]), "sluice"),
  }).check(
    Schema.makeFilter(
      ({ url, urlEnv }) => (url === undefined) !== (urlEnv === undefined) || "either `url` or `urlEnv`",
    ),
  ),
  Schema.Struct({ kind: Schema.Literal("log"), ...common("all") }),
]);
export type ChannelSettings = typeof ChannelSettings.Type;

const namesDiffer = Schema.makeFilter<ReadonlyArray<ChannelSettings>>(
  (channels) => new Set(channels.map(({ name }) => name)).size === channels.length || "channels of different names",
);

/** The file that says where pages go. */
export const PageSettings = Schema.Struct({
  /** In order of escalation. */
  channels: Schema.Array(ChannelSettings).check(namesDiffer, Schema.isMinLength(1), Schema.isMaxLength(20)),
  /** Where people find Sluice's dashboard: messages link to it. */
  dashboardUrl: Schema.optionalKey(Url),
}).annotate({ identifier: "PageSettings" });
export type PageSettings = typeof PageSettings.Type;
/** As written by people. */
export type PageSettingsInput = typeof PageSettings.Encoded;
