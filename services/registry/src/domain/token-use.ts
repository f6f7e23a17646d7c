import type { Timestamp } from "@sluice/contracts";

/** Why a token lets nobody in any more; null while it does. Timestamps compare as they are written. */
export const whyUseless = (
  token: { readonly expiresAt: Timestamp | null; readonly revokedAt: Timestamp | null },
  now: Timestamp,
): string | null => {
  if (token.revokedAt !== null) return `this token was revoked at ${token.revokedAt}; ask an admin for a new one`;
  if (token.expiresAt !== null && token.expiresAt <= now)
    return `this token expired at ${token.expiresAt}; ask an admin for a new one`;
  return null;
};
