/** Different for each purpose, so that what is mirrored is not also what is judged. */
export type SampledFor = "mirror" | "payload";

const SEEDS: Readonly<Record<SampledFor, number>> = { mirror: 0x9e3779b9, payload: 0x85ebca6b };

/**
 * Whether a request belongs to a sample of `rate` in [0, 1]: a fixed property of its number in this gateway, which is
 * the end of its request id. The number is mixed well (the finalizer of MurmurHash3), so that no rhythm in the traffic
 * meets a rhythm in the sample.
 */
export const isSampled = (rate: number, sampledFor: SampledFor, sequence: number): boolean =>
  rate >= 1 || mixed(sequence ^ SEEDS[sampledFor]) < rate * 2 ** 32;

const mixed = (value: number): number => {
  let h = value | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
};
