import { assert, layer } from "@effect/vitest";
import { Database, layerPGlite } from "@sluice/postgres";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import { layerPostgres } from "./postgres-token-store.ts";
import { TokenStore } from "./token-store.ts";
import { digestOf, token, tokenStoreContract } from "./token-store-contract.ts";

const stores = Layer.provideMerge(layerPostgres, layerPGlite({ directory: null }));

tokenStoreContract("tokens on PGlite", stores);

layer(stores, { timeout: 30_000 })("the token table", (it) => {
  it.effect("refuses to forget a token, to raise it, to prolong it and to take a revocation back", () =>
    Effect.gen(function* () {
      const db = yield* Database;
      yield* (yield* TokenStore).add(token(7), digestOf(7));
      yield* (yield* TokenStore).revoke("tok-7", "ada", "2026-02-01T00:00:00.000Z");
      yield* (yield* TokenStore).add(token(8), digestOf(8));
      for (const change of [
        "delete from access_tokens where token_id = 'tok-8'",
        "update access_tokens set role = 'admin' where token_id = 'tok-8'",
        "update access_tokens set expires_at = '2099-01-01', revoked_at = 'now' where token_id = 'tok-8'",
        "update access_tokens set revoked_at = null where token_id = 'tok-7'",
      ])
        assert.match((yield* Effect.flip(db.query(change))).message, /^access token tok-. is not changed or deleted/);
    }),
  );
});
