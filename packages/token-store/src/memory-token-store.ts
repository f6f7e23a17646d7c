import type { AccessToken, Digest } from "@sluice/contracts";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import * as Option from "effect/Option";
import { MAX_LISTED, TokenStore } from "./token-store.ts";

/** In memory, for tests; kept honest by the contract suite. */
export const layerMemory: Layer.Layer<TokenStore> = Layer.sync(TokenStore, () => {
  const tokens = new Map<Digest, AccessToken>();
  return TokenStore.of({
    add: (token, digest) => Effect.sync(() => void tokens.set(digest, token)),
    find: (digest) => Effect.sync(() => Option.fromNullishOr(tokens.get(digest))),
    list: Effect.sync(() =>
      [...tokens.values()]
        .sort((a, b) => b.createdAt.localeCompare(a.createdAt) || a.tokenId.localeCompare(b.tokenId))
        .slice(0, MAX_LISTED),
    ),
    revoke: (tokenId, by, at) =>
      Effect.sync(() => {
        const [digest, token] = [...tokens].find(([, one]) => one.tokenId === tokenId) ?? [];
        if (!digest || !token) return Option.none();
        const revoked = token.revokedAt === null ? { ...token, revokedAt: at, revokedBy: by } : token;
        tokens.set(digest, revoked);
        return Option.some(revoked);
      }),
  });
});
