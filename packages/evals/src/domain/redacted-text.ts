import type { ResultRules } from "@sluice/contracts";

interface Rule {
  readonly pattern: RegExp;
  readonly replacement: string;
}

/** What no report shows, in any repository; `redact` of the rules adds to it. */
const standard: ReadonlyArray<Rule> = [
  { pattern: /\b(?:sk|pk|rk|ghp|gho|xox[abp])[-_][A-Za-z0-9_-]{16,}/gu, replacement: "[key]" },
  { pattern: /\bBearer\s+[A-Za-z0-9._~+/-]{16,}=*/giu, replacement: "[key]" },
  { pattern: /\b[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8}\b/gu, replacement: "[email]" },
  // Card numbers: 13 to 19 digits, perhaps in groups.
  { pattern: /\b\d(?:[ -]?\d){12,18}\b/gu, replacement: "[number]" },
];

/** A text as a report may show it: redacted first and cut then, so that no half of a secret is left at the cut. */
export const redactedText = (text: string, rules: ResultRules, length: number): string => {
  const own = rules.redact.map(({ pattern, replacement }) => ({ pattern: new RegExp(pattern, "gu"), replacement }));
  let safe = text;
  for (const { pattern, replacement } of [...standard, ...own]) safe = safe.replace(pattern, () => replacement);
  return safe.length > length ? `${safe.slice(0, length - 1).toWellFormed()}…` : safe;
};
