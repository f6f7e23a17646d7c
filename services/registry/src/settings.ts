import { OidcProvider, Policy, TokenGrant, Webhook, withDefault } from "@sluice/contracts";
import * as Schema from "effect/Schema";

const Positive = Schema.Int.check(Schema.isGreaterThan(0));

export const RegistrySettings = Schema.Struct({
  host: withDefault(Schema.NonEmptyString, "127.0.0.1"),
  /** 0 takes a free one. */
  port: withDefault(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 65_535 })), 4_400),
  tokens: withDefault(Schema.Array(TokenGrant), []),
  oidc: withDefault(Schema.Array(OidcProvider), []),
  /** Receivers of release state, each with the key that signs what it is sent. */
  webhooks: withDefault(Schema.Array(Schema.Struct({ ...Webhook.fields, secret: Schema.NonEmptyString })), []),
  /** How long a token of the database is believed without asking again: so late another registry hears of a revocation. */
  tokenCacheMs: withDefault(Positive, 2_000),
  /** Of one author. A service that evaluates flags asks often; a loop that has gone wrong asks more often. */
  requestsPerMinute: withDefault(Positive, 6_000),
  /** Of one address, whose token was wrong or that had none: who guesses is slowed down, and nobody else is. */
  failuresPerMinute: withDefault(Positive, 120),
  /** What holds for all applications here: a request whose policy is looser is refused. Null for none. */
  organisationPolicy: withDefault(Schema.NullOr(Policy), null),
  maxBodyBytes: withDefault(Positive, 1_024 * 1_024),
  maxArtifactBytes: withDefault(Positive, 64 * 1_024 * 1_024),
  /** A comment on silent streams, so that proxies keep them open and clients notice a dead one. */
  streamHeartbeatMs: withDefault(Positive, 15_000),
  maxStreams: withDefault(Positive, 1_000),
  /** A record this far behind the log tells yesterday's news: the registry is not ready then. */
  maxRecordLagMs: withDefault(Positive, 5_000),
  /** What checkpoints and attestations are signed with, in the text form of C2SP private keys; without it nothing is signed. */
  signingKey: withDefault(Schema.NullOr(Schema.String), null),
  /** Where checkpoints are kept outside the database. */
  checkpointDirectory: withDefault(Schema.NullOr(Schema.NonEmptyString), null),
  /** While the record grows, it is signed this often. */
  checkpointSeconds: withDefault(Positive, 10),
  /** First and longest pause before a store that is down is asked again. */
  retryMs: withDefault(Positive, 200),
  maxRetryMs: withDefault(Positive, 10_000),
});
export type RegistrySettings = typeof RegistrySettings.Type;
/** As written by people: everything may be left out. */
export type RegistrySettingsInput = typeof RegistrySettings.Encoded;

export const registrySettings = Schema.decodeUnknownSync(RegistrySettings);
