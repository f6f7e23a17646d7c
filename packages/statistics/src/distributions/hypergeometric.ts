import { requireCount, requireCountOf } from "../invalid-argument.ts";
import { logBinomialTerm } from "../special/log-gamma.ts";
import { allAbove, allBelow, fromLogLower, fromLogUpper, type Tails } from "../special/tails.ts";
import { distribution, wholeQuantile } from "./distribution.ts";

/** log P(X = x) for x white of `drawn` balls from an urn of `white` and `black` (Loader's three binomial terms). */
export const logHypergeometricTerm = (x: number, white: number, black: number, drawn: number): number => {
  if (x < Math.max(0, drawn - black) || x > Math.min(drawn, white)) return Number.NEGATIVE_INFINITY;
  const total = white + black;
  if (drawn === 0 || drawn === total) return 0;
  const p = drawn / total;
  const q = (total - drawn) / total;
  return (
    logBinomialTerm(x, white - x, p, q) +
    logBinomialTerm(drawn - x, black - (drawn - x), p, q) -
    logBinomialTerm(drawn, total - drawn, p, q)
  );
};

const tails = (value: number, white: number, black: number, drawn: number): Tails => {
  const x = Math.floor(value + 1e-7);
  const low = Math.max(0, drawn - black);
  const high = Math.min(drawn, white);
  if (x < low) return allAbove;
  if (x >= high) return allBelow;
  const mean = (drawn * white) / (white + black);
  // Sums the far side outwards from the point; terms fall from there on, so it ends once they no longer count.
  if (x + 1 > mean) {
    let sum = 1;
    let term = 1;
    for (let y = x + 2; y <= high && term > sum * 1e-18; y++) {
      term *= ((white - y + 1) / y) * ((drawn - y + 1) / (black - drawn + y));
      sum += term;
    }
    return fromLogUpper(logHypergeometricTerm(x + 1, white, black, drawn) + Math.log(sum));
  }
  let sum = 1;
  let term = 1;
  for (let y = x - 1; y >= low && term > sum * 1e-18; y--) {
    term *= ((y + 1) / (white - y)) * ((black - drawn + y + 1) / (drawn - y));
    sum += term;
  }
  return fromLogLower(logHypergeometricTerm(x, white, black, drawn) + Math.log(sum));
};

/** Hypergeometric distribution; parameters white, black and drawn, whole, drawn ≤ white + black. */
export const hypergeometric = distribution<[white: number, black: number, drawn: number]>({
  check: (white, black, drawn) => {
    requireCount("white", white);
    requireCount("black", black);
    requireCountOf("drawn", drawn, "white + black", white + black);
  },
  tails,
  solve: (p, tail, white, black, drawn) =>
    wholeQuantile((x) => tails(x, white, black, drawn), p, tail, Math.max(0, drawn - black), Math.min(drawn, white)),
});
