/** Mean and sum of squared deviations in two passes, exact to rounding for any offset. */
export const momentsOf = (
  values: ReadonlyArray<number>,
): { readonly n: number; readonly mean: number; readonly sumSquares: number; readonly sd: number } => {
  const n = values.length;
  let sum = 0;
  for (const value of values) sum += value;
  const rough = sum / n;
  let residual = 0;
  let squares = 0;
  for (const value of values) {
    residual += value - rough;
    squares += (value - rough) * (value - rough);
  }
  const mean = rough + residual / n;
  const sumSquares = Math.max(0, squares - (residual * residual) / n);
  return { n, mean, sumSquares, sd: n > 1 ? Math.sqrt(sumSquares / (n - 1)) : Number.NaN };
};
