import * as Schema from "effect/Schema";
import { AuthorId, Count, Digest, Role, Timestamp } from "./primitives.ts";
import { withDefault } from "./with-default.ts";

export const TokenId = Schema.String.check(
  Schema.isPattern(/^tok-[a-z0-9]{1,32}$/u, {
    expected: "tok- and up to 32 of a-z, 0-9, as `sluice token list` shows",
  }),
).annotate({ identifier: "TokenId" });
export type TokenId = typeof TokenId.Type;

export const TeamName = Schema.NonEmptyString.check(
  Schema.isMaxLength(100),
  Schema.isPattern(/^\P{Cc}*$/u, { expected: "a name without control characters" }),
);

/** A bearer token as everybody may see it: the token itself is known to its bearer only. */
export const AccessToken = Schema.Struct({
  tokenId: TokenId,
  /** The author of what is done with it. One person, or one machine: separation of duty compares these. */
  subject: AuthorId,
  role: Role,
  /** What the token reads of analysts' tables is this team's releases; null: everything. */
  team: Schema.NullOr(TeamName),
  createdAt: Timestamp,
  createdBy: AuthorId,
  expiresAt: Timestamp,
  revokedAt: Schema.NullOr(Timestamp),
  revokedBy: Schema.NullOr(AuthorId),
}).annotate({ identifier: "AccessToken" });
export type AccessToken = typeof AccessToken.Type;

/**
 * A bearer token by its digest: the token itself is known to its bearer only. Those of the configuration also let in while
 * the database is down; the others are made with `sluice token create` and kept there.
 */
export const TokenGrant = Schema.Struct({
  tokenDigest: Digest,
  id: AuthorId,
  role: Role,
  team: withDefault(Schema.NullOr(TeamName), null),
  /** Null: until it is taken out of the configuration. */
  expiresAt: withDefault(Schema.NullOr(Timestamp), null),
});
export type TokenGrant = typeof TokenGrant.Type;

/** Longest life of a token: who holds one for longer has forgotten it. */
export const MAX_TOKEN_DAYS = 366;

export const CreateTokenBody = Schema.Struct({
  subject: AuthorId,
  role: Role,
  team: withDefault(Schema.NullOr(TeamName), null),
  /** A quarter: long enough not to be prolonged in a hurry, short enough to be forgotten in. */
  expiresInDays: withDefault(Count.check(Schema.isBetween({ minimum: 1, maximum: MAX_TOKEN_DAYS })), 90),
}).annotate({ identifier: "CreateTokenBody" });

export const TokenCreatedBody = Schema.Struct({
  /** Shown in this answer and kept nowhere. */
  token: Schema.String,
  created: AccessToken,
}).annotate({ identifier: "TokenCreatedBody" });

export const TokensBody = Schema.Struct({ tokens: Schema.Array(AccessToken) }).annotate({ identifier: "TokensBody" });
