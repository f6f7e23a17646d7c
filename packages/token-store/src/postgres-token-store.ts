import type { AccessToken } from "@sluice/contracts";
import { Database, type DatabaseError, type Migration, migrate } from "@sluice/postgres";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import * as Option from "effect/Option";
import { MAX_LISTED, TokenStore, TokenStoreError } from "./token-store.ts";

/** A token may be revoked once and is otherwise never changed or deleted: the list answers who could have done it. */
const migrations: ReadonlyArray<Migration> = [
  {
    name: "token-store/1-tokens",
    sql: `
      create table access_tokens (
        token_id text primary key, digest text not null unique, subject text not null, role text not null, team text,
        created_at text not null, created_by text not null, expires_at text not null,
        revoked_at text, revoked_by text);
      create function refuse_token_change() returns trigger language plpgsql as $$ begin
        if tg_op = 'UPDATE' and old.revoked_at is null and new.revoked_at is not null
           and (to_jsonb(new) - 'revoked_at' - 'revoked_by') = (to_jsonb(old) - 'revoked_at' - 'revoked_by') then
          return new;
        end if;
        raise exception 'access token % is not changed or deleted: revoke it', old.token_id using errcode = '55000';
      end $$;
      create trigger access_tokens_no_change before update or delete on access_tokens
        for each row execute function refuse_token_change();`,
  },
];

const columns = `token_id as "tokenId", subject, role, team, created_at as "createdAt", created_by as "createdBy",
  expires_at as "expiresAt", revoked_at as "revokedAt", revoked_by as "revokedBy"`;

const failure = (operation: TokenStoreError["operation"]) => (error: DatabaseError) =>
  new TokenStoreError({ operation, message: error.message });

/** Tokens in the registry's own database. */
export const layerPostgres: Layer.Layer<TokenStore, DatabaseError, Database> = Layer.effect(
  TokenStore,
  Effect.gen(function* () {
    const db = yield* Database;
    yield* migrate(db, migrations);
    return TokenStore.of({
      add: (token, digest) =>
        db
          .query(
            `insert into access_tokens (token_id, digest, subject, role, team, created_at, created_by, expires_at)
             values ($1, $2, $3, $4, $5, $6, $7, $8)`,
            [
              token.tokenId,
              digest,
              token.subject,
              token.role,
              token.team,
              token.createdAt,
              token.createdBy,
              token.expiresAt,
            ],
          )
          .pipe(Effect.asVoid, Effect.mapError(failure("add"))),
      find: (digest) =>
        db.query<AccessToken>(`select ${columns} from access_tokens where digest = $1`, [digest]).pipe(
          Effect.map(([token]) => Option.fromNullishOr(token)),
          Effect.mapError(failure("find")),
        ),
      list: db
        .query<AccessToken>(`select ${columns} from access_tokens order by created_at desc, token_id limit $1`, [
          MAX_LISTED,
        ])
        .pipe(Effect.mapError(failure("list"))),
      revoke: (tokenId, by, at) =>
        db
          .query(
            "update access_tokens set revoked_at = $2, revoked_by = $3 where token_id = $1 and revoked_at is null",
            [tokenId, at, by],
          )
          .pipe(
            Effect.andThen(
              db.query<AccessToken>(`select ${columns} from access_tokens where token_id = $1`, [tokenId]),
            ),
            Effect.map(([token]) => Option.fromNullishOr(token)),
            Effect.mapError(failure("revoke")),
          ),
    });
  }),
);
