/** log(1 − e^x) for x ≤ 0, without cancellation at either end (Mächler 2012, "Accurately computing log(1−exp(−|a|))"). */
export const log1mExp = (x: number): number => (x > -Math.LN2 ? Math.log(-Math.expm1(x)) : Math.log1p(-Math.exp(x)));

/** log(e^a + e^b). */
export const logAddExp = (a: number, b: number): number => {
  if (a === Number.NEGATIVE_INFINITY) return b;
  if (b === Number.NEGATIVE_INFINITY) return a;
  return a > b ? a + Math.log1p(Math.exp(b - a)) : b + Math.log1p(Math.exp(a - b));
};

/** log Σ e^x; −∞ for an empty list. */
export const logSumExp = (values: ReadonlyArray<number>): number => {
  let peak = Number.NEGATIVE_INFINITY;
  for (const value of values) if (value > peak) peak = value;
  if (!Number.isFinite(peak)) return peak;
  let sum = 0;
  for (const value of values) sum += Math.exp(value - peak);
  return peak + Math.log(sum);
};
