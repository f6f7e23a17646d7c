import { createHash, timingSafeEqual } from "node:crypto";

export type KeyCheck = (presented: string) => boolean;

const hashOf = (key: string): Buffer => createHash("sha256").update(key).digest();

/** Compares with every key, by hash and in constant time, so that neither content nor length can be found by timing. */
export const keyCheck = (keys: ReadonlyArray<string>): KeyCheck => {
  const hashes = keys.map(hashOf);
  return (presented) => {
    const hash = hashOf(presented);
    let found = false;
    for (const known of hashes) if (timingSafeEqual(known, hash)) found = true;
    return found;
  };
};
