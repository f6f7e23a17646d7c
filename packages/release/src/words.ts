// How figures are written in sentences that people read. What is part of a decision's evidence keeps the words that it was
// recorded with, since a decision that is run again must come out the same to the byte: `withMinusSigns` is for showing it.

/** "1 request", "10,000 requests". */
export const amount = (n: number, noun: string): string => `${n.toLocaleString("en")} ${noun}${n === 1 ? "" : "s"}`;

const units = [
  ["d", 86_400],
  ["h", 3_600],
  ["min", 60],
  ["s", 1],
] as const;

/** Whole seconds in their two largest units: "1 h", "59 min 12 s". */
export const lengthOfTime = (seconds: number): string => {
  let rest = Math.max(0, Math.round(seconds));
  const first = units.findIndex(([, size]) => rest >= size);
  if (first < 0) return "0 s";
  const parts: Array<string> = [];
  for (const [unit, size] of units.slice(first, first + 2)) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count > 0) parts.push(`${count} ${unit}`);
  }
  return parts.join(" ");
};

/** A hyphen in front of a figure as the minus that it means; dates, exponents and ids keep theirs. */
export const withMinusSigns = (sentence: string): string => sentence.replaceAll(/(?<=^|[\s(])-(?=\d)/gu, "−");
