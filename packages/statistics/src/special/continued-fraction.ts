const TINY = 1e-300;
// Near the mean, the number of terms grows as the root of the parameters: enough for parameters of 10^12.
const MAX_TERMS = 5_000_000;

/**
 * b₀ + a₁/(b₁ + a₂/(b₂ + …)) by the modified Lentz algorithm (Thompson & Barnett 1986), until two convergents agree to the
 * last bit but one.
 */
export const continuedFraction = (b0: number, a: (j: number) => number, b: (j: number) => number): number => {
  let f = b0 === 0 ? TINY : b0;
  let c = f;
  let d = 0;
  for (let j = 1; j <= MAX_TERMS; j++) {
    const aj = a(j);
    const bj = b(j);
    d = bj + aj * d;
    if (d === 0) d = TINY;
    c = bj + aj / c;
    if (c === 0) c = TINY;
    d = 1 / d;
    const step = c * d;
    f *= step;
    if (Math.abs(step - 1) < 3e-16) return f;
  }
  return f;
};
