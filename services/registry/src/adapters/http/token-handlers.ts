import { CreateTokenBody, TokenId } from "@sluice/contracts";
import { TokenStore } from "@sluice/token-store";
import * as Effect from "effect/Effect";
import type { Authenticator } from "../../application/authenticator.ts";
import { createToken, revokeToken } from "../../application/tokens.ts";
import { type Handler, json, parameter } from "./answer.ts";
import { decodeBody } from "./decode-body.ts";

export const tokenHandlers = (authenticator: Authenticator) =>
  ({
    createToken: (request, intention) =>
      Effect.map(createToken(decodeBody(CreateTokenBody, request.body), intention), json),
    listTokens: () =>
      Effect.map(
        Effect.flatMap(TokenStore, (store) => store.list),
        (tokens) => json({ tokens }),
      ),
    revokeToken: (request, intention) =>
      revokeToken(parameter(request, "tokenId", TokenId), intention).pipe(
        Effect.tap(() => authenticator.forget),
        Effect.map(json),
      ),
  }) satisfies Record<string, Handler>;
