import { type RedactionRule, standardRedaction } from "@sluice/contracts/redaction";
import { withDefault } from "@sluice/contracts/with-default";
import * as Schema from "effect/Schema";
import type { MirrorBudgetLimits } from "./domain/mirror-budget.ts";

const Positive = Schema.Int.check(Schema.isGreaterThan(0));
const Names = Schema.Array(Schema.NonEmptyString).check(Schema.isMaxLength(16));
const Pattern = Schema.String.check(
  Schema.makeFilter((source) => {
    try {
      return new RegExp(source, "g") instanceof RegExp;
    } catch {
      return "a regular expression";
    }
  }),
);

const UsdPerMillion = Schema.Finite.check(Schema.isGreaterThanOrEqualTo(0));

const BaseUrl = Schema.String.check(
  Schema.isPattern(/^https?:\/\/[^\s/?#]+(\/[^\s?#]*)?$/u, {
    expected: "an http or https address such as https://api.openai.com/v1",
  }),
);

/** An upstream with OpenAI's API. `ModelArtifact.provider` names it; keys and addresses live only here. */
export const Provider = Schema.Struct({
  /** Up to and with the version, such as `https://api.openai.com/v1`. */
  baseUrl: BaseUrl,
  /** Tried in order when the one before gave no answer; the model, and so the arm, stays the same. */
  fallbackBaseUrls: withDefault(Schema.Array(BaseUrl).check(Schema.isMaxLength(4)), []),
  /** Environment variable with the bearer token. Without it nothing is sent, unless the caller's is passed on. */
  apiKeyEnv: Schema.optionalKey(Schema.NonEmptyString),
  /** Sends the caller's own Authorization header upstream. */
  passAuthorization: withDefault(Schema.Boolean, false),
  headers: withDefault(Schema.Record(Schema.String, Schema.String), {}),
  /**
   * Asks for token counts at the end of streams (`stream_options.include_usage`) where the caller did not, and keeps
   * them from the caller. Off by default: not every upstream knows the option.
   */
  streamUsage: withDefault(Schema.Boolean, false),
  /** Top-level field of the body that takes the retrieval index's name; null: the header `x-sluice-retrieval-index` does. */
  retrievalIndexField: withDefault(Schema.NullOr(Schema.NonEmptyString), null),
  /** What a million tokens of a model cost; observations then carry `costUsd`, and shadows can have a budget of money. */
  prices: withDefault(
    Schema.Record(
      Schema.String,
      Schema.Struct({ inputUsdPerMillion: UsdPerMillion, outputUsdPerMillion: UsdPerMillion }),
    ),
    {},
  ),
  /** Further tries after a connection that failed before the head of an answer. */
  connectionRetries: withDefault(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 5 })), 1),
  /** Open connections for each of baseline, candidate and shadow: none of them can use up another's. */
  connections: withDefault(Positive, 256),
  /** Requests that may wait for a connection; above it the caller is told to come back. */
  queueLimit: withDefault(Positive, 2_048),
  connectTimeoutMs: withDefault(Positive, 5_000),
  /** Time until the head of the answer: models think long. */
  headTimeoutMs: withDefault(Positive, 120_000),
  /** Longest silence within an answer. */
  idleTimeoutMs: withDefault(Positive, 60_000),
});
export type Provider = typeof Provider.Type;

export const GatewaySettings = Schema.Struct({
  /** Stable over restarts and unique among gateways; from host and port when left out. */
  gatewayId: Schema.optionalKey(Schema.NonEmptyString.check(Schema.isMaxLength(200))),
  host: withDefault(Schema.NonEmptyString, "127.0.0.1"),
  /** 0 takes a free one. */
  port: withDefault(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 65_535 })), 4_401),
  providers: Schema.Record(Schema.String, Provider),
  /** File that keeps the last routing over restarts; without it a restart needs the bus. */
  routingFile: withDefault(Schema.NullOr(Schema.NonEmptyString), null),
  /** Callers' bearer tokens; empty lets everybody in who reaches the address. */
  clientKeys: withDefault(Schema.Array(Schema.NonEmptyString), []),
  /** Tokens of services that serve without the gateway and report what they did (`@sluice/client`); none: nobody may. */
  reporterKeys: withDefault(Schema.Array(Schema.NonEmptyString), []),
  /** Shared with the canary controller and testers, who may choose the arm with it; null honours nobody. */
  probeKey: withDefault(Schema.NullOr(Schema.NonEmptyString), null),
  /** Keeps guessable ids from being found in cluster keys; the same in every gateway and client. */
  clusterKeySecret: withDefault(Schema.String, ""),
  conversationHeaders: withDefault(Names, ["x-sluice-conversation", "x-conversation-id"]),
  conversationFields: withDefault(Names, ["metadata.conversation_id", "conversation", "conversation.id"]),
  userHeaders: withDefault(Names, ["x-sluice-user", "x-user-id"]),
  userFields: withDefault(Names, ["user", "safety_identifier", "metadata.user_id"]),
  /** Added to the standard rules for payloads. */
  redaction: withDefault(Schema.Array(Schema.Struct({ pattern: Pattern, replacement: Schema.String })), []),
  flushIntervalMs: withDefault(Positive, 250),
  reportIntervalMs: withDefault(Positive, 1_000),
  /** How long a start waits for the bus before it serves what the disk knows. */
  startTimeoutMs: withDefault(Positive, 3_000),
  /** How long a stop waits for requests that are under way. */
  drainTimeoutMs: withDefault(Positive, 10_000),
  maxRequestBytes: withDefault(Positive, 32 * 1_024 * 1_024),
  maxAnswerBytes: withDefault(Positive, 64 * 1_024 * 1_024),
  /** A client that stops reading a stream is let go after this. */
  clientStallTimeoutMs: withDefault(Positive, 60_000),
  maxBufferedObservations: withDefault(Positive, 20_000),
  maxBufferedPayloadLength: withDefault(Positive, 8 * 1_024 * 1_024),
  /** Bytes of requests, with the baseline's answers, that may wait for their mirrored call or be in it, over all applications. */
  maxMirrorQueueBytes: withDefault(Positive, 32 * 1_024 * 1_024),
  /**
   * Mirrored calls started per second and application at most; null leaves it to the policy's concurrency. They use the
   * key that users' requests use, so they have a bound where nobody sets one.
   */
  maxMirroredPerSecond: withDefault(Schema.NullOr(Positive), 50),
  /**
   * What shadows may cost: tokens in and out that mirrored calls may use per hour and application; null: no bound. The
   * default lets a shadow of default policy (10,000 requests) end within the hour at 2,000 tokens each.
   */
  maxMirroredTokensPerHour: withDefault(Schema.NullOr(Positive), 20_000_000),
  /** The same in US dollars, for models that have a price; null: tokens alone are the bound. */
  maxMirroredUsdPerHour: withDefault(Schema.NullOr(Schema.Finite.check(Schema.isGreaterThan(0))), null),
});
export type GatewaySettings = typeof GatewaySettings.Type;
/** As written by people: everything but `providers` may be left out. */
export type GatewaySettingsInput = typeof GatewaySettings.Encoded;

/** What an application's shadow may use. */
export const mirrorBudgetOf = ({
  maxMirroredPerSecond: maxPerSecond,
  maxMirroredTokensPerHour: maxTokensPerHour,
  maxMirroredUsdPerHour: maxUsdPerHour,
}: Pick<
  GatewaySettings,
  "maxMirroredPerSecond" | "maxMirroredTokensPerHour" | "maxMirroredUsdPerHour"
>): MirrorBudgetLimits => ({ maxPerSecond, maxTokensPerHour, maxUsdPerHour });

/** The standard rules, and those of the settings. */
export const redactionOf = ({ redaction }: Pick<GatewaySettings, "redaction">): ReadonlyArray<RedactionRule> => [
  ...standardRedaction,
  ...redaction.map(({ pattern, replacement }) => ({ pattern: new RegExp(pattern, "g"), replacement })),
];

export const gatewaySettings = Schema.decodeUnknownSync(GatewaySettings);
