import { timingSafeEqual } from "node:crypto";
import { type AccessToken, type Author, type Digest, digestOfBytes, timestampOf } from "@sluice/contracts";
import { TokenStore, type TokenStoreError } from "@sluice/token-store";
import * as Clock from "effect/Clock";
import * as Context from "effect/Context";
import * as Effect from "effect/Effect";
import * as Option from "effect/Option";
import * as Schema from "effect/Schema";
import { whyUseless } from "../domain/token-use.ts";
import type { RegistrySettings } from "../settings.ts";

/** What was presented lets nobody in. */
export class Unauthenticated extends Schema.TaggedError<Unauthenticated>()("Unauthenticated", {
  message: Schema.String,
}) {}
/** The token is genuine, and whose it is has no business here. */
export class NotLetIn extends Schema.TaggedError<NotLetIn>()("NotLetIn", { message: Schema.String }) {}
/** The issuer of a token cannot be asked for its keys: nobody knows whether the token is good. */
export class IssuerError extends Schema.TaggedError<IssuerError>()("IssuerError", { message: Schema.String }) {}

export interface Identity {
  readonly author: Author;
  /** Whose releases it sees in the analysts' tables; null: everybody's. */
  readonly team: string | null;
}

/** Tokens that issuers sign for workflows. */
export class WorkflowTokens extends Context.Service<
  WorkflowTokens,
  {
    readonly verify: (token: string) => Effect.Effect<Identity, Unauthenticated | NotLetIn | IssuerError>;
  }
>()("@sluice/registry/WorkflowTokens") {}

export interface Authenticator {
  readonly identify: (
    token: string,
  ) => Effect.Effect<Identity, Unauthenticated | NotLetIn | IssuerError | TokenStoreError>;
  /** Asks the store anew from here on: a token was revoked. */
  readonly forget: Effect.Effect<void>;
}

/** Tokens believed without asking again; one more and all are asked for anew. */
const MAX_CACHED = 10_000;

/**
 * Who sends a request: a token of the configuration, one that an issuer signed for a workflow, or one of the store. Tokens
 * are compared by digest, those of the configuration in constant time; they are kept nowhere.
 */
export const makeAuthenticator = Effect.fn("makeAuthenticator")(function* (
  settings: Pick<RegistrySettings, "tokens" | "oidc" | "tokenCacheMs">,
) {
  const store = yield* TokenStore;
  const workflows = yield* WorkflowTokens;
  const cached = new Map<Digest, { readonly found: Option.Option<AccessToken>; readonly untilMs: number }>();

  const find = Effect.fnUntraced(function* (digest: Digest, nowMs: number) {
    const known = cached.get(digest);
    if (known && known.untilMs > nowMs) return known.found;
    const found = yield* store.find(digest);
    if (cached.size >= MAX_CACHED) cached.clear();
    // What is not known is asked for each time: a token works from the moment it is made.
    if (Option.isSome(found)) cached.set(digest, { found, untilMs: nowMs + settings.tokenCacheMs });
    return found;
  });

  const identify = Effect.fnUntraced(function* (token: string) {
    const nowMs = yield* Clock.currentTimeMillis;
    const digest = digestOfBytes(token);
    const presented = Buffer.from(digest);
    const grant = settings.tokens.find(({ tokenDigest }) => timingSafeEqual(Buffer.from(tokenDigest), presented));
    if (!grant && settings.oidc.length > 0 && isSigned(token)) return yield* workflows.verify(token);
    const held = grant
      ? { ...grant, subject: grant.id, revokedAt: null }
      : Option.getOrUndefined(yield* find(digest, nowMs));
    if (!held) return yield* new Unauthenticated({ message: "this token is not known; ask an admin for a new one" });
    const fault = whyUseless(held, timestampOf(nowMs));
    if (fault !== null) return yield* new Unauthenticated({ message: fault });
    return { author: { id: held.subject, role: held.role }, team: held.team };
  });

  return { identify, forget: Effect.sync(() => cached.clear()) } satisfies Authenticator;
});

/** Three parts, as a signed token has; ours has none. */
const isSigned = (token: string): boolean => /^[\w-]+\.[\w-]+\.[\w-]+$/u.test(token);
