import type { ResultRules } from "@sluice/contracts";
import { redacted, standardRedaction } from "@sluice/contracts/redaction";

/**
 * A text as a report may show it: redacted first and cut then, so that no half of a secret is left at the cut. `redact` of
 * the rules adds to the standard ones.
 */
export const redactedText = (text: string, rules: ResultRules, length: number): string => {
  const own = rules.redact.map(({ pattern, replacement }) => ({ pattern: new RegExp(pattern, "gu"), replacement }));
  const safe = redacted(text, [...standardRedaction, ...own]);
  return safe.length > length ? `${safe.slice(0, length - 1).toWellFormed()}…` : safe;
};
