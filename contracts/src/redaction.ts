/** What is taken out of a text before anybody stores or shows it. */
export interface RedactionRule {
  /** With the flag `g`. */
  readonly pattern: RegExp;
  /** Taken as it is: `$` has no meaning in it. */
  readonly replacement: string;
  /** Every match holds it. Where it is not in a text, the dearer pattern need not be tried. */
  readonly mark?: string;
}

/** What never has a place in a payload or a report, in any application. Settings add to it. */
export const standardRedaction: ReadonlyArray<RedactionRule> = [
  { pattern: /\b(?:sk|pk|rk|ghp|gho|xox[abp])[-_][A-Za-z0-9_-]{16,}/gu, replacement: "[key]" },
  { pattern: /\bBearer\s+[A-Za-z0-9._~+/-]{16,}=*/giu, replacement: "[key]" },
  {
    pattern: /\b[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8}\b/gu,
    replacement: "[email]",
    mark: "@",
  },
  // Card numbers: 13 to 19 digits, perhaps in groups.
  { pattern: /\b\d(?:[ -]?\d){12,18}\b/gu, replacement: "[number]" },
];

/** Characters that are looked at beyond a cut: a secret up to this long is known as one, wherever the cut falls in it. */
export const REDACTION_MARGIN = 8_192;

/** The text without what the rules find. */
export const redacted = (text: string, rules: ReadonlyArray<RedactionRule>): string =>
  rules.reduce(
    (safe, { pattern, replacement, mark }) =>
      mark !== undefined && !safe.includes(mark) ? safe : safe.replace(pattern, () => replacement),
    text,
  );

/**
 * The first or the last `length` characters of a text, redacted. Redaction comes first and the cut then, so that no half of
 * a secret is left at the cut; a huge text costs no more than a large one, because only a margin beyond it is looked at.
 */
export const redactedCut = (
  text: string,
  rules: ReadonlyArray<RedactionRule>,
  length: number,
  keep: "start" | "end" = "start",
): string => {
  if (text.length <= length) return cut(redacted(text, rules), length, keep);
  const piece = cut(text, length + REDACTION_MARGIN, keep);
  const cutAt = keep === "start" ? length : piece.length - length;
  return cut(redactedSide(piece, rules, cutAt, keep), length, keep);
};

const cut = (text: string, length: number, keep: "start" | "end"): string =>
  text.length <= length ? text : keep === "start" ? text.slice(0, length) : text.slice(-length);

/** The side of the cut that is kept; the cut moves with what is replaced before it, and to the start of what it falls into. */
const redactedSide = (
  text: string,
  rules: ReadonlyArray<RedactionRule>,
  cutAt: number,
  keep: "start" | "end",
): string => {
  let safe = text;
  let at = cutAt;
  for (const { pattern, replacement } of rules) {
    let parts = "";
    let done = 0;
    let moved = at;
    for (const match of safe.matchAll(pattern)) {
      const end = match.index + match[0].length;
      parts += safe.slice(done, match.index);
      if (end <= at) moved += replacement.length - match[0].length;
      else if (match.index < at) moved = parts.length;
      parts += replacement;
      done = end;
    }
    safe = parts + safe.slice(done);
    at = moved;
  }
  return keep === "start" ? safe.slice(0, at) : safe.slice(at);
};
