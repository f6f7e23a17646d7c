import { type Author, type Permission, permissions, type Role } from "@sluice/contracts";
import * as Effect from "effect/Effect";
import type { FastifyRequest } from "fastify";
import { type Authenticator, Unauthenticated } from "../../application/authenticator.ts";
import { HttpFailure } from "./http-failure.ts";

/** Whose request this is. */
export const identify = Effect.fnUntraced(function* (authenticator: Authenticator, request: FastifyRequest) {
  const token = tokenOf(request);
  if (token === undefined)
    return yield* new Unauthenticated({ message: "send a token in the header 'authorization: Bearer …'" });
  return yield* authenticator.identify(token);
});

/** Longer than any token: what is longer is not even hashed. */
const MAX_TOKEN_LENGTH = 8_192;

/**
 * `authorization: Bearer …`; Basic with the token as password and `x-clickhouse-key`, which ClickHouse's clients send; and
 * `x-api-key`, which OpenFeature's do. Never from the address: those are logged everywhere.
 */
const tokenOf = ({ headers }: FastifyRequest): string | undefined => {
  const { authorization = "" } = headers;
  const token =
    authorization.match(/^Bearer (\S+)$/iu)?.[1] ??
    passwordOf(authorization) ??
    single(headers["x-api-key"]) ??
    single(headers["x-clickhouse-key"]);
  return token !== undefined && token.length > 0 && token.length <= MAX_TOKEN_LENGTH ? token : undefined;
};

const passwordOf = (authorization: string): string | undefined => {
  const encoded = authorization.match(/^Basic ([A-Za-z0-9+/=]+)$/iu)?.[1];
  return (
    encoded &&
    Buffer.from(encoded, "base64")
      .toString("utf8")
      .match(/^[^:]*:(.+)$/u)?.[1]
  );
};

const single = (header: string | ReadonlyArray<string> | undefined): string | undefined =>
  typeof header === "string" ? header.trim() : undefined;

export const authorize = (author: Author, permission: Permission): void => {
  const allowed: ReadonlyArray<Role> = permissions[permission];
  if (!allowed.includes(author.role))
    throw new HttpFailure(
      403,
      "forbidden",
      `${author.id} has role ${author.role}; this needs ${allowed.join(", ").replace(/, ([^,]*)$/, " or $1")}`,
    );
};

export const permissionsOf = (role: Role): ReadonlyArray<Permission> =>
  (Object.keys(permissions) as ReadonlyArray<Permission>).filter((permission) =>
    permissions[permission].some((allowed) => allowed === role),
  );
