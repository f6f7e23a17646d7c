import type { ResultRules } from "@sluice/contracts";

type Metadata = Readonly<Record<string, unknown>> | null | undefined;

/** The value under a key: as it stands, or along its dots into nested metadata. */
const valueAt = (metadata: Metadata, key: string): unknown => {
  if (!metadata) return undefined;
  if (Object.hasOwn(metadata, key)) return metadata[key];
  return key
    .split(".")
    .reduce<unknown>(
      (inner, part) =>
        typeof inner === "object" && inner !== null && Object.hasOwn(inner, part)
          ? Reflect.get(inner, part)
          : undefined,
      metadata,
    );
};

/** The slice that metadata names by the first key of the rules that is there. */
export const sliceBy = (rules: ResultRules, metadata: Metadata): string | undefined => {
  for (const key of rules.sliceKeys) {
    const value = valueAt(metadata, key);
    if (typeof value === "string" && value !== "") return value;
    if (typeof value === "number" || typeof value === "boolean") return String(value);
  }
  return undefined;
};

/** True when a rule makes it a safety case, false when metadata speaks of it otherwise, undefined when it is silent. */
export const safetyBy = (rules: ResultRules, metadata: Metadata): boolean | undefined => {
  const values = rules.safety.map(({ key, values: safe }) => ({ found: valueAt(metadata, key), safe }));
  if (values.some(({ found, safe }) => safe.some((value) => value === found))) return true;
  return values.some(({ found }) => found !== undefined) ? false : undefined;
};
