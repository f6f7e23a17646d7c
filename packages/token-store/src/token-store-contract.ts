import { assert, layer } from "@effect/vitest";
import { type AccessToken, digestOfBytes } from "@sluice/contracts";
import * as Effect from "effect/Effect";
import type * as Layer from "effect/Layer";
import * as Option from "effect/Option";
import { TokenStore } from "./token-store.ts";

export const token = (n: number): AccessToken => ({
  tokenId: `tok-${n}`,
  subject: `person ${n}`,
  role: "operator",
  team: n % 2 === 0 ? "support" : null,
  createdAt: `2026-01-01T00:00:0${n}.000Z`,
  createdBy: "ada",
  expiresAt: "2026-04-01T00:00:00.000Z",
  revokedAt: null,
  revokedBy: null,
});
export const digestOf = (n: number) => digestOfBytes(`sluice_${n}`);

/** What every token store promises. */
export const tokenStoreContract = (name: string, store: Layer.Layer<TokenStore, unknown>): void =>
  layer(store, { timeout: 30_000 })(name, (it) => {
    it.effect("finds a token by its digest, and no other", () =>
      Effect.gen(function* () {
        const tokens = yield* TokenStore;
        yield* tokens.add(token(1), digestOf(1));
        yield* tokens.add(token(2), digestOf(2));
        assert.deepStrictEqual(Option.getOrThrow(yield* tokens.find(digestOf(2))), token(2));
        assert.isTrue(Option.isNone(yield* tokens.find(digestOf(3))));
        assert.deepStrictEqual(yield* tokens.list, [token(2), token(1)]);
      }),
    );

    it.effect("keeps a revoked token, with who revoked it first", () =>
      Effect.gen(function* () {
        const tokens = yield* TokenStore;
        yield* tokens.add(token(4), digestOf(4));
        const revoked = { ...token(4), revokedAt: "2026-02-01T00:00:00.000Z", revokedBy: "grace" };
        const first = yield* tokens.revoke("tok-4", "grace", "2026-02-01T00:00:00.000Z");
        const again = yield* tokens.revoke("tok-4", "linus", "2026-03-01T00:00:00.000Z");
        for (const answer of [first, again, yield* tokens.find(digestOf(4))])
          assert.deepStrictEqual(Option.getOrThrow(answer), revoked);
        assert.isTrue(Option.isNone(yield* tokens.revoke("tok-9", "grace", "2026-02-01T00:00:00.000Z")));
      }),
    );
  });
