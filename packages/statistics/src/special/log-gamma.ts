const HALF_LOG_2_PI = 0.9189385332046728;

// From 15 on, eight terms of Stirling's series are exact to the last bit.
const STIRLING_FROM = 15;

const stirlingSeries = (x: number): number => {
  const r = 1 / (x * x);
  const tail = 1 / 156 - (3617 / 122_400) * r;
  return (
    (1 / 12 - r * (1 / 360 - r * (1 / 1260 - r * (1 / 1680 - r * (1 / 1188 - r * (691 / 360_360 - r * tail)))))) / x
  );
};

/**
 * Stirling's error δ(x) = log Γ(x+1) − (x+½) log x + x − ½ log 2π, x > 0. Below 15 by the exact recurrence
 * δ(x) = δ(x+1) + (x+½) log(1+1/x) − 1, so that no large logarithms cancel (Loader 2000).
 */
export const stirlingError = (x: number): number => {
  let error = 0;
  let at = x;
  while (at < STIRLING_FROM) {
    error += (at + 0.5) * Math.log1p(1 / at) - 1;
    at += 1;
  }
  return error + stirlingSeries(at);
};

/** log Γ(x) for x > 0. */
export const logGamma = (x: number): number => {
  let product = 1;
  let at = x;
  while (at < STIRLING_FROM) {
    product *= at;
    at += 1;
  }
  return (at - 0.5) * Math.log(at) - at + HALF_LOG_2_PI + stirlingSeries(at) - Math.log(product);
};

/** log B(a, b) for a, b > 0. */
export const logBeta = (a: number, b: number): number => {
  const n = a + b;
  // log B = log[Γ(a+1)Γ(b+1)/Γ(n+1)] + log[n/(ab)], by Stirling's form: the large terms are −a log(n/a) − b log(n/b).
  return (
    -a * Math.log1p(b / a) -
    b * Math.log1p(a / b) +
    stirlingError(a) +
    stirlingError(b) -
    stirlingError(n) +
    HALF_LOG_2_PI +
    0.5 * (Math.log(n) - Math.log(a) - Math.log(b))
  );
};

/**
 * Deviance term x log(x/μ) + μ − x for x ≥ 0, μ > 0, accurate where x ≈ μ (Loader 2000, "Fast and accurate computation of
 * binomial probabilities"). `excess` is x − μ, given apart where the caller knows it better than by subtracting.
 */
export const deviance = (x: number, mu: number, excess = x - mu): number => {
  if (x === 0) return mu;
  if (Math.abs(excess) < 0.1 * (x + mu)) {
    const v = excess / (x + mu);
    let sum = excess * v;
    let term = 2 * x * v;
    for (let j = 1; j < 1000; j++) {
      term *= v * v;
      const next = sum + term / (2 * j + 1);
      if (next === sum) return next;
      sum = next;
    }
    return sum;
  }
  return x * Math.log(x / mu) - excess;
};

/** log of μ^x e^(−μ) / Γ(x+1): the Poisson density continued to real x ≥ 0. */
export const logPoissonTerm = (x: number, mu: number): number => {
  if (mu === 0) return x === 0 ? 0 : Number.NEGATIVE_INFINITY;
  if (x === 0) return -mu;
  return -stirlingError(x) - deviance(x, mu) - HALF_LOG_2_PI - 0.5 * Math.log(x);
};

/** log of Γ(a+b+1)/(Γ(a+1)Γ(b+1)) · p^a q^b: the binomial density continued to real a, b ≥ 0, with q = 1 − p given apart. */
export const logBinomialTerm = (a: number, b: number, p: number, q: number): number => {
  if (p === 0) return a === 0 ? 0 : Number.NEGATIVE_INFINITY;
  if (q === 0) return b === 0 ? 0 : Number.NEGATIVE_INFINITY;
  const n = a + b;
  if (a === 0) return p < 0.1 ? n * Math.log1p(-p) : n * Math.log(q);
  if (b === 0) return q < 0.1 ? n * Math.log1p(-q) : n * Math.log(p);
  // The smaller of p and q carries the digits: a − np = nq − b.
  const excess = p > q ? n * q - b : a - n * p;
  return (
    stirlingError(n) -
    stirlingError(a) -
    stirlingError(b) -
    deviance(a, n * p, excess) -
    deviance(b, n * q, -excess) -
    HALF_LOG_2_PI +
    0.5 * (Math.log(n) - Math.log(a) - Math.log(b))
  );
};
