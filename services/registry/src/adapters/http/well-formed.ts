/**
 * Where a JSON body holds half of a character (a lone surrogate): it has no canonical form and no UTF-8, so nothing could be
 * hashed or recorded with it. Null where all is well.
 */
export const halfCharacterIn = (value: unknown, path = "body"): string | null => {
  if (typeof value === "string") return value.isWellFormed() ? null : path;
  if (typeof value !== "object" || value === null || Buffer.isBuffer(value)) return null;
  for (const [key, member] of Object.entries(value)) {
    if (!key.isWellFormed()) return path;
    const found = halfCharacterIn(member, `${path}.${key}`);
    if (found !== null) return found;
  }
  return null;
};
