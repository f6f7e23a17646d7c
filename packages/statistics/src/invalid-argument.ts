/**
 * The only error this package throws: an argument outside the domain of the formula. It names the argument by its path
 * (`differences[3]`, `baseline.events`), so that a caller can turn it into one sentence about its own input.
 */
export class InvalidArgument extends Error {
  readonly _tag = "InvalidArgument";
  override readonly name = "InvalidArgument";
  readonly argument: string;
  readonly value: unknown;
  readonly expected: string;

  constructor(argument: string, value: unknown, expected: string) {
    super(`${argument} must be ${expected}, but is ${describe(value)}`);
    this.argument = argument;
    this.value = value;
    this.expected = expected;
  }
}

const describe = (value: unknown): string => {
  if (typeof value === "number" || value === undefined || value === null || typeof value === "boolean")
    return `${value}`;
  if (Array.isArray(value)) return `a list of ${value.length}`;
  return typeof value === "string" ? JSON.stringify(value.slice(0, 40)) : `of type ${typeof value}`;
};

export const requireFinite = (argument: string, value: number): number => {
  if (typeof value !== "number" || !Number.isFinite(value))
    throw new InvalidArgument(argument, value, "a finite number");
  return value;
};

export const requireWithin = (argument: string, value: number, low: number, high: number): number => {
  if (typeof value !== "number" || !(value >= low && value <= high)) {
    throw new InvalidArgument(argument, value, `a number from ${low} to ${high}`);
  }
  return value;
};

export const requirePositive = (argument: string, value: number): number => {
  if (typeof value !== "number" || !(value > 0 && value < Number.POSITIVE_INFINITY)) {
    throw new InvalidArgument(argument, value, "a finite number above 0");
  }
  return value;
};

/** A tail probability, strictly between 0 and 1. */
export const requireProbability = (argument: string, value: number): number => {
  if (typeof value !== "number" || !(value > 0 && value < 1)) {
    throw new InvalidArgument(argument, value, "a probability strictly between 0 and 1");
  }
  return value;
};

export const requireCount = (argument: string, value: number, atLeast = 0): number => {
  if (!Number.isSafeInteger(value) || value < atLeast) {
    throw new InvalidArgument(argument, value, `a whole number of at least ${atLeast}`);
  }
  return value;
};

/** Counts `x` of `n` with 0 ≤ x ≤ n. */
export const requireCountOf = (argument: string, x: number, totalName: string, n: number): number => {
  requireCount(argument, x);
  if (x > n) throw new InvalidArgument(argument, x, `at most ${totalName} (${n})`);
  return x;
};

export const requireNumbers = (argument: string, values: ReadonlyArray<number>, atLeast = 1): ReadonlyArray<number> => {
  if (!Array.isArray(values)) throw new InvalidArgument(argument, values, "a list of numbers");
  if (values.length < atLeast) throw new InvalidArgument(argument, values, `a list of at least ${atLeast} number(s)`);
  for (let i = 0; i < values.length; i++) {
    if (!Number.isFinite(values[i])) throw new InvalidArgument(`${argument}[${i}]`, values[i], "a finite number");
  }
  return values;
};

export const requireNumbersWithin = (
  argument: string,
  values: ReadonlyArray<number>,
  low: number,
  high: number,
  atLeast = 1,
): ReadonlyArray<number> => {
  requireNumbers(argument, values, atLeast);
  for (let i = 0; i < values.length; i++) requireWithin(`${argument}[${i}]`, values[i] as number, low, high);
  return values;
};

export const requireSameLength = (
  argument: string,
  values: ReadonlyArray<unknown>,
  otherName: string,
  other: ReadonlyArray<unknown>,
): void => {
  if (values.length !== other.length) {
    throw new InvalidArgument(argument, values, `as long as ${otherName} (${other.length})`);
  }
};
