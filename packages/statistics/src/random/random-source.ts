import { requireFinite } from "../invalid-argument.ts";

/** A seeded source of numbers uniform in [0, 1). */
export type RandomSource = () => number;

const mix = (value: number): number => {
  let z = (value + 0x9e3779b9) | 0;
  z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
  z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
  return (z ^ (z >>> 15)) >>> 0;
};

/**
 * xoshiro128** (Blackman & Vigna 2018) seeded by splitmix32 from any finite number: the same seed gives the same numbers on
 * every machine. 53 bits a number, so that far tails are reached. Not for secrets.
 */
export const randomSource = (seed: number): RandomSource => {
  requireFinite("seed", seed);
  const words = new Float64Array([seed]);
  const halves = new Uint32Array(words.buffer);
  let a = mix(halves[0] as number);
  let b = mix(a ^ (halves[1] as number));
  let c = mix(b + 1);
  let d = mix(c + 1);
  const next = (): number => {
    const scrambled = Math.imul(b, 5);
    const result = Math.imul((scrambled << 7) | (scrambled >>> 25), 9);
    const t = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= t;
    d = (d << 11) | (d >>> 21);
    return result >>> 0;
  };
  return () => ((next() >>> 5) * 67_108_864 + (next() >>> 6)) / 9_007_199_254_740_992;
};
