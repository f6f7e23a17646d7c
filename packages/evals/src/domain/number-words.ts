/** A number of cases: 12,345. */
export const wholeWords = (count: number): string => String(count).replace(/\B(?=(\d{3})+$)/g, ",");

/** A ratio or score to three digits after the point, with more where that would show nothing. */
export const ratioWords = (ratio: number): string => {
  if (ratio === 0 || Math.abs(ratio) >= 0.0005) return ratio.toFixed(3);
  return ratio.toExponential(1);
};

/** A probability: 0.047, and 1.1e-41 where it is small; none is shown as 0, which would say "impossible". */
export const probabilityWords = (p: number): string => {
  if (p === 0) return "< 1e-300";
  return p >= 0.001 ? p.toFixed(3) : p.toExponential(1);
};

/** A share as a percentage: 0.0314 is 3.1 %. */
export const percentWords = (share: number): string => `${Number((share * 100).toFixed(1))} %`;

/** "a", "a and b", "a, b, c and 4 more": at most `limit` are named. */
export const listWords = (names: ReadonlyArray<string>, limit = 5): string => {
  const shown = names.slice(0, limit).map((name) => (name.length > 80 ? `${name.slice(0, 79)}…` : name));
  const rest = names.length - shown.length;
  if (rest > 0) return `${shown.join(", ")} and ${wholeWords(rest)} more`;
  return shown.length < 2 ? shown.join("") : `${shown.slice(0, -1).join(", ")} and ${shown.at(-1)}`;
};

/** "1 case", "2 cases". */
export const countWords = (count: number, noun: string): string =>
  `${wholeWords(count)} ${noun}${count === 1 ? "" : "s"}`;
