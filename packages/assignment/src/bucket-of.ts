import { hash } from "node:crypto";

/** Shares are assigned in hundredths of a percent. */
export const BUCKETS = 10_000;

/**
 * The bucket of a key, 0 to 9,999, the same in every process and language: the first 48 bits of
 * sha256(salt + "\n" + key) as a big-endian number, modulo 10,000.
 * 48 bits stay exact in a double, and the modulo's bias (below 1e-10) is far under any share one could measure.
 * The line feed keeps ("ab", "c") and ("a", "bc") apart: a salt (a release id) never holds one.
 */
export const bucketOf = (salt: string, key: string): number =>
  Number.parseInt(hash("sha256", `${salt}\n${key}`, "hex").slice(0, 12), 16) % BUCKETS;

/** Whether a key falls into a share in [0, 1]. A larger share takes every key of a smaller one, and more. */
export const isWithinShare = (share: number, salt: string, key: string): boolean => {
  const limit = Math.round(share * BUCKETS);
  if (limit <= 0) return false;
  return limit >= BUCKETS || bucketOf(salt, key) < limit;
};
