import type { AccessToken, Digest, Timestamp } from "@sluice/contracts";
import * as Context from "effect/Context";
import type * as Effect from "effect/Effect";
import type * as Option from "effect/Option";
import * as Schema from "effect/Schema";

export class TokenStoreError extends Schema.TaggedError<TokenStoreError>()("TokenStoreError", {
  operation: Schema.Literals(["add", "find", "list", "revoke"]),
  message: Schema.String,
}) {}

/** Who holds which bearer token. Tokens are known by their digests only, and their rows are kept when they are over. */
export class TokenStore extends Context.Service<
  TokenStore,
  {
    /** `digest` is that of the token, which is kept nowhere. */
    readonly add: (token: AccessToken, digest: Digest) => Effect.Effect<void, TokenStoreError>;
    /** Also one that has expired or was revoked: who asks is to be told why it does not work any more. */
    readonly find: (digest: Digest) => Effect.Effect<Option.Option<AccessToken>, TokenStoreError>;
    /** Newest first; at most 1,000. */
    readonly list: Effect.Effect<ReadonlyArray<AccessToken>, TokenStoreError>;
    /** The token as it is now, or none of that id. One that was revoked before keeps the time and the name of then. */
    readonly revoke: (
      tokenId: string,
      by: string,
      at: Timestamp,
    ) => Effect.Effect<Option.Option<AccessToken>, TokenStoreError>;
  }
>()("@sluice/TokenStore") {}

/** Rows of one list. */
export const MAX_LISTED = 1_000;
