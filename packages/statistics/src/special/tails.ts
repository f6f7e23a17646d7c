import { log1mExp } from "./log-arithmetic.ts";

/** Both tails of a distribution at a point, in logs: neither loses digits when the other is near 1. */
export type Tails = { readonly logLower: number; readonly logUpper: number };

export const fromLogLower = (logLower: number): Tails => {
  const log = Math.min(0, logLower);
  return { logLower: log, logUpper: log1mExp(log) };
};
export const fromLogUpper = (logUpper: number): Tails => {
  const log = Math.min(0, logUpper);
  return { logLower: log1mExp(log), logUpper: log };
};

export const allBelow: Tails = { logLower: 0, logUpper: Number.NEGATIVE_INFINITY };
export const allAbove: Tails = { logLower: Number.NEGATIVE_INFINITY, logUpper: 0 };

/** Of a value near 0 in logs, the number itself; 1 − e^x of the other tail where that is the exact one. */
export const lowerOf = (tails: Tails): number =>
  tails.logUpper < tails.logLower ? -Math.expm1(tails.logUpper) : Math.exp(tails.logLower);
export const upperOf = (tails: Tails): number =>
  tails.logLower < tails.logUpper ? -Math.expm1(tails.logLower) : Math.exp(tails.logUpper);
