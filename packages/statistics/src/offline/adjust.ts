import { requireNumbersWithin } from "../invalid-argument.ts";

const order = (pValues: ReadonlyArray<number>): ReadonlyArray<number> =>
  pValues.map((_, i) => i).sort((i, j) => (pValues[i] as number) - (pValues[j] as number));

/**
 * Holm's step-down adjustment, in the order given: controls the probability of any false rejection under any dependence.
 * p̃₍ᵢ₎ = max_{j ≤ i} min(1, (m − j + 1)·p₍ⱼ₎). Errors: empty list, a value outside [0, 1]. Source: Holm 1979.
 */
export const adjustHolm = (pValues: ReadonlyArray<number>): ReadonlyArray<number> => {
  requireNumbersWithin("pValues", pValues, 0, 1);
  const adjusted = new Array<number>(pValues.length);
  let floor = 0;
  order(pValues).forEach((index, rank) => {
    floor = Math.max(floor, Math.min(1, (pValues.length - rank) * (pValues[index] as number)));
    adjusted[index] = floor;
  });
  return adjusted;
};

/**
 * Benjamini–Hochberg adjustment: controls the expected share of false rejections among the rejections, for independent or
 * positively dependent tests. p̃₍ᵢ₎ = min_{j ≥ i} min(1, (m/j)·p₍ⱼ₎). Errors as `adjustHolm`. Source: Benjamini & Hochberg 1995.
 */
export const adjustBenjaminiHochberg = (pValues: ReadonlyArray<number>): ReadonlyArray<number> => {
  requireNumbersWithin("pValues", pValues, 0, 1);
  const m = pValues.length;
  const adjusted = new Array<number>(m);
  let ceiling = 1;
  order(pValues)
    .toReversed()
    .forEach((index, position) => {
      ceiling = Math.min(ceiling, (m / (m - position)) * (pValues[index] as number));
      adjusted[index] = ceiling;
    });
  return adjusted;
};
