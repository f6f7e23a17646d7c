import type { RandomSource } from "@sluice/statistics";

/** Equal sizes from here on are drawn as one binomial, 32 signs a draw. */
const TIED_FROM = 8;
/** A binomial of more signs than this is drawn as a rounded normal: its tails agree to 1e-4. */
const BINOMIAL_UP_TO = 256;
/** Single sizes are drawn as one normal when no few of them dominate: Σd⁴ below this share of (Σd²)². */
const KURTOSIS_BOUND = 1 / 500;

/** The sizes |d| of a group of cases, prepared for drawing Σ ±d and Σ ±1 over independent fair signs. */
export interface ExchangedSums {
  /** Part of the sum that exchange does not change. */
  readonly fixedSum: number;
  readonly fixedSigns: number;
  readonly ties: ReadonlyArray<{ readonly size: number; readonly count: number }>;
  readonly singles: Float64Array;
  /** Standard deviation of the part drawn as a normal; 0 when there is none. */
  readonly normalSd: number;
}

/** Signs drawn one by one for each sample: what a resample costs. */
export const costOf = (sums: ExchangedSums): number => sums.singles.length + 16 * sums.ties.length + 4;

/** `exact` keeps every sign apart from the sizes, for groups where signs are counted. */
export const exchangedSums = (
  free: ReadonlyArray<number>,
  fixed: ReadonlyArray<number>,
  exact: boolean,
): ExchangedSums => {
  const counts = new Map<number, number>();
  for (const difference of free) {
    const size = Math.abs(difference);
    if (size > 0) counts.set(size, (counts.get(size) ?? 0) + 1);
  }
  const ties: Array<{ size: number; count: number }> = [];
  const singles: Array<number> = [];
  for (const [size, count] of counts) {
    if (count >= TIED_FROM) ties.push({ size, count });
    else for (let i = 0; i < count; i++) singles.push(size);
  }
  let squares = 0;
  let fourths = 0;
  for (const size of singles) {
    squares += size ** 2;
    fourths += size ** 4;
  }
  const asNormal = !exact && squares > 0 && fourths < KURTOSIS_BOUND * squares ** 2;
  return {
    fixedSum: fixed.reduce((sum, difference) => sum + difference, 0),
    fixedSigns: fixed.reduce((sum, difference) => sum + Math.sign(difference), 0),
    ties,
    singles: Float64Array.from(asNormal ? [] : singles),
    normalSd: asNormal ? Math.sqrt(squares) : 0,
  };
};

/** Writes one draw of the sum to `out[at]` and of the signs' sum to `out[at + 1]` (the latter only of an exact group). */
export const drawExchange = (sums: ExchangedSums, random: RandomSource, out: Float64Array, at: number): void => {
  let sum = sums.fixedSum;
  let signs = sums.fixedSigns;
  for (const { size, count } of sums.ties) {
    const drawn = drawSigns(count, random);
    sum += size * drawn;
    signs += drawn;
  }
  const { singles } = sums;
  let bits = 0;
  for (let i = 0; i < singles.length; i++) {
    if ((i & 31) === 0) bits = word(random);
    const size = singles[i] as number;
    if (bits & 1) {
      sum += size;
      signs++;
    } else {
      sum -= size;
      signs--;
    }
    bits >>>= 1;
  }
  if (sums.normalSd > 0) sum += sums.normalSd * drawNormal(random);
  out[at] = sum;
  out[at + 1] = signs;
};

const word = (random: RandomSource): number => Math.floor(random() * 4_294_967_296) | 0;

/** Sum of `count` fair signs. */
const drawSigns = (count: number, random: RandomSource): number => {
  if (count > BINOMIAL_UP_TO) {
    const heads = Math.round(count / 2 + (Math.sqrt(count) / 2) * drawNormal(random));
    return 2 * Math.min(count, Math.max(0, heads)) - count;
  }
  let heads = 0;
  for (let left = count; left > 0; left -= 32) heads += ones(left >= 32 ? word(random) : word(random) >>> (32 - left));
  return 2 * heads - count;
};

const ones = (bits: number): number => {
  let v = bits - ((bits >>> 1) & 0x55555555);
  v = (v & 0x33333333) + ((v >>> 2) & 0x33333333);
  return Math.imul((v + (v >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
};

/** Box–Muller; the second number of the pair is let go, so that a draw depends on nothing before it. */
const drawNormal = (random: RandomSource): number =>
  Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
