import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { checkCase, type VectorFile } from "./check-vectors.ts";

const file: VectorFile = JSON.parse(readFileSync(new URL("./vectors.fixture.json", import.meta.url), "utf8"));

describe("reference cases computed with R, scipy, statsmodels and mpmath", () => {
  it("holds all 178 of them", () => {
    expect(file.cases).toHaveLength(178);
  });
  it.each(file.cases.map((vector) => [`${vector.id} ${vector.fn}`, vector] as const))("%s", (_, vector) => {
    expect(checkCase(vector)).toEqual([]);
  });
  it("fails a case that is off by more than its tolerance", () => {
    const [first] = file.cases;
    if (first === undefined) throw new Error("no cases");
    expect(checkCase({ ...first, expected: { ...first.expected, t: 1.7991026 } })).toHaveLength(1);
  });
});
