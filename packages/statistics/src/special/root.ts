const clamp = (value: number): number => Math.max(-1e300, Math.min(1e300, value));

/**
 * Root of a monotone function in [low, high] by Chandrupatla's method (1997): bisection that turns into inverse quadratic
 * interpolation once that is safe. Values of ±∞ at the ends are allowed. Without a sign change, the nearer end.
 */
export const findRoot = (f: (x: number) => number, low: number, high: number, relativeTolerance = 1e-15): number => {
  let a = low;
  let b = high;
  let fa = clamp(f(a));
  let fb = clamp(f(b));
  if (fa === 0) return a;
  if (fb === 0) return b;
  if (fa > 0 === fb > 0) return Math.abs(fa) < Math.abs(fb) ? a : b;
  let c = a;
  let fc = fa;
  let t = 0.5;
  for (let i = 0; i < 400; i++) {
    const x = a + t * (b - a);
    const fx = clamp(f(x));
    if (fx > 0 === fa > 0) {
      c = a;
      fc = fa;
    } else {
      c = b;
      fc = fb;
      b = a;
      fb = fa;
    }
    a = x;
    fa = fx;
    const best = Math.abs(fa) < Math.abs(fb) ? a : b;
    const width = Math.abs(b - a);
    if (fa === 0 || width <= 2 * relativeTolerance * Math.abs(best) + 1e-320) return best;
    const least = Math.min(0.5, (relativeTolerance * Math.abs(best) + 1e-321) / width);
    const xi = (a - b) / (c - b);
    const phi = (fa - fb) / (fc - fb);
    const safe = phi * phi < xi && (1 - phi) * (1 - phi) < 1 - xi;
    t = safe ? (fa / (fb - fa)) * (fc / (fb - fc)) + ((c - a) / (b - a)) * (fa / (fc - fa)) * (fb / (fc - fb)) : 0.5;
    t = Math.min(1 - least, Math.max(least, Number.isFinite(t) ? t : 0.5));
  }
  return Math.abs(fa) < Math.abs(fb) ? a : b;
};
