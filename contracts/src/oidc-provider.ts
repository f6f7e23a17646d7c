import * as Schema from "effect/Schema";
import { TeamName } from "./access-token.ts";
import { withDefault } from "./with-default.ts";

const Glob = Schema.NonEmptyString.check(Schema.isMaxLength(300));

/** What a workflow must be to be let in; `*` stands for anything within a segment, `**` for anything. */
export const OidcRule = Schema.Struct({
  /** Such as `acme/shop` or `acme/*`. */
  repository: Glob,
  /** Names of repositories and owners can be taken again after they were given up; this number cannot. */
  repositoryOwnerId: withDefault(Schema.NullOr(Schema.String), null),
  branches: withDefault(Schema.Array(Glob), ["main"]),
  /** The deployment environment that GitHub asks for approvals of; null: any, or none. */
  environment: withDefault(Schema.NullOr(Schema.NonEmptyString), null),
  team: withDefault(Schema.NullOr(TeamName), null),
});
export type OidcRule = typeof OidcRule.Type;

const HttpsOrLoopback = Schema.String.check(
  Schema.isPattern(/^https:\/\/[^/\s]+|^http:\/\/(?:127\.0\.0\.1|localhost|\[::1\])(?::\d+)?(?:\/|$)/u, {
    expected: "an https:// address (http:// on loopback only)",
  }),
);

/** Whose tokens of workflows are believed. They get role `ci`. */
export const OidcProvider = Schema.Struct({
  issuer: withDefault(HttpsOrLoopback, "https://token.actions.githubusercontent.com"),
  /** What the workflow asks its token for; an address of one's own, so that a token for somebody else does not work here. */
  audience: Schema.NonEmptyString,
  /** Left out: as the issuer's `/.well-known/openid-configuration` says. */
  jwksUri: withDefault(Schema.NullOr(HttpsOrLoopback), null),
  rules: Schema.NonEmptyArray(OidcRule),
});
export type OidcProvider = typeof OidcProvider.Type;

/** The file that `sluice up --oidc` and `SLUICE_OIDC_FILE` name. */
export const OidcProviders = Schema.Array(OidcProvider).annotate({ identifier: "OidcProviders" });
