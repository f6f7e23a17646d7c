import { randomBytes } from "node:crypto";
import {
  type AccessToken,
  type CreateTokenBody,
  digestOfBytes,
  type Role,
  type TokenGrant,
  timestampOf,
} from "@sluice/contracts";
import { TokenStore } from "@sluice/token-store";
import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import * as Option from "effect/Option";
import { whyUseless } from "../domain/token-use.ts";
import { type Intention, NotFound } from "./requests.ts";

const DAY_MS = 86_400_000;

/** 192 random bits behind a prefix by which scanners of repositories and logs know what they have found. */
const newToken = () => `sluice_${randomBytes(24).toString("base64url")}`;

export const createToken = Effect.fn("createToken")(function* (
  body: typeof CreateTokenBody.Type,
  { author }: Pick<Intention, "author">,
) {
  const nowMs = yield* Clock.currentTimeMillis;
  const token = newToken();
  const created: AccessToken = {
    tokenId: `tok-${randomBytes(8).toString("hex")}`,
    subject: body.subject,
    role: body.role,
    team: body.team,
    createdAt: timestampOf(nowMs),
    createdBy: author.id,
    expiresAt: timestampOf(nowMs + body.expiresInDays * DAY_MS),
    revokedAt: null,
    revokedBy: null,
  };
  yield* (yield* TokenStore).add(created, digestOfBytes(token));
  return { token, created };
});

export const revokeToken = Effect.fn("revokeToken")(function* (tokenId: string, { author }: Intention) {
  const at = timestampOf(yield* Clock.currentTimeMillis);
  const revoked = yield* (yield* TokenStore).revoke(tokenId, author.id, at);
  if (Option.isNone(revoked))
    return yield* new NotFound({ message: `token ${tokenId} is not known; \`sluice token list\` shows the ids` });
  return revoked.value;
});

/** So long the first admin's token lives; a start that finds no admin makes another one. */
const FIRST_TOKEN_DAYS = 90;

/** Whether anybody is an admin: by the configuration or by the store. */
export const hasAdmin = Effect.fn("hasAdmin")(function* (configured: ReadonlyArray<TokenGrant>) {
  const now = timestampOf(yield* Clock.currentTimeMillis);
  const isAdmin = (token: { readonly role: Role } & Parameters<typeof whyUseless>[0]) =>
    token.role === "admin" && whyUseless(token, now) === null;
  if (configured.some((grant) => isAdmin({ ...grant, revokedAt: null }))) return true;
  return (yield* (yield* TokenStore).list).some(isAdmin);
});

/** A token for the first admin, or null where somebody is one already. */
export const firstAdminToken = Effect.fn("firstAdminToken")(function* (configured: ReadonlyArray<TokenGrant>) {
  if (yield* hasAdmin(configured)) return null;
  const body = { subject: "admin", role: "admin" as const, team: null, expiresInDays: FIRST_TOKEN_DAYS };
  const author = { id: "first start", role: "admin" as const };
  return (yield* createToken(body, { author })).token;
});
