import { requirePositive } from "../invalid-argument.ts";
import { betaTails } from "../special/incomplete-beta.ts";
import { logBeta } from "../special/log-gamma.ts";
import type { Tails } from "../special/tails.ts";
import { distribution, realQuantile } from "./distribution.ts";

const tails = (t: number, df: number): Tails => {
  if (t === 0) return { logLower: -Math.LN2, logUpper: -Math.LN2 };
  const square = t * t;
  // P(|T| > |t|) = I_{df/(df+t²)}(df/2, ½), with both arguments formed without subtraction.
  // Where t² would overflow the tail is a power law: I_x(a, b) = x^a/(a·B(a, b)) for x = df/t² this small.
  const logOutside =
    square > 1e300
      ? (df / 2) * (Math.log(df) - 2 * Math.log(Math.abs(t))) - Math.log(df / 2) - logBeta(df / 2, 0.5)
      : betaTails(df / (df + square), square / (df + square), df / 2, 0.5).logLower;
  const logFar = logOutside - Math.LN2;
  const logNear = Math.log1p(-Math.exp(logFar));
  return t > 0 ? { logLower: logNear, logUpper: logFar } : { logLower: logFar, logUpper: logNear };
};

/** Student's t; parameter degrees of freedom, any real above 0. */
export const studentT = distribution<[df: number]>({
  check: (df) => requirePositive("df", df),
  tails,
  solve: (p, tail, df) => realQuantile((t) => tails(t, df), p, tail),
});
