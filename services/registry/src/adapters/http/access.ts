import { timingSafeEqual } from "node:crypto";
import { type Author, digestOfBytes, type Permission, permissions, type Role } from "@sluice/contracts";
import type { TokenGrant } from "../../settings.ts";
import { HttpFailure } from "./http-failure.ts";

/** Who sends this request. The token is compared by digest and in constant time; it is kept nowhere. */
export const authenticate = (grants: ReadonlyArray<TokenGrant>, authorization: string | undefined): Author => {
  const token = authorization?.match(/^Bearer (\S+)$/i)?.[1];
  if (!token) throw new HttpFailure(401, "unauthenticated", "send a token in the header 'authorization: Bearer …'");
  const presented = Buffer.from(digestOfBytes(token));
  const grant = grants.find(({ tokenDigest }) => timingSafeEqual(Buffer.from(tokenDigest), presented));
  if (!grant) throw new HttpFailure(401, "unauthenticated", "this token is not known; ask an admin for a new one");
  return { id: grant.id, role: grant.role };
};

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
