import { type CaseInput, evaluateCase } from "./evaluate-case.ts";

/** One reference case of a `stat-vectors/1` file. Infinite numbers are spelled as strings. */
export type VectorCase = {
  readonly id: string;
  readonly fn: string;
  readonly input: CaseInput;
  readonly expected: Readonly<Record<string, number | string>>;
  readonly tol: { readonly rel: number; readonly abs: number };
};
export type VectorFile = { readonly schema: string; readonly cases: ReadonlyArray<VectorCase> };

const within = (got: number, expected: number, { rel, abs }: VectorCase["tol"]): boolean =>
  Object.is(got, expected) || got === expected || Math.abs(got - expected) <= Math.max(abs, rel * Math.abs(expected));

/** The sentences that say where a case misses its expected values; none when it holds. */
export const checkCase = (vector: VectorCase): ReadonlyArray<string> => {
  let got: Readonly<Record<string, number>>;
  try {
    got = evaluateCase(vector.fn, vector.input);
  } catch (error) {
    return [`${vector.id} ${vector.fn}: ${error instanceof Error ? error.message : String(error)}`];
  }
  return Object.entries(vector.expected).flatMap(([key, value]) => {
    const expected = Number(value);
    const actual = got[key];
    return actual !== undefined && within(actual, expected, vector.tol)
      ? []
      : [`${vector.id} ${vector.fn}: ${key} is ${actual}, expected ${expected}`];
  });
};
