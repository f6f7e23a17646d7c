import { assert, it } from "@effect/vitest";
import { amount, lengthOfTime, withMinusSigns } from "./words.ts";

it("an amount has its plural and its thousands", () => {
  assert.deepStrictEqual(
    [0, 1, 2, 10_000].map((n) => amount(n, "more request")),
    ["0 more requests", "1 more request", "2 more requests", "10,000 more requests"],
  );
});

it.each([
  [0, "0 s"],
  [59, "59 s"],
  [60, "1 min"],
  [3_552, "59 min 12 s"],
  [3_600, "1 h"],
  [86_400, "1 d"],
  [90_061, "1 d 1 h"],
] as const)("%i s are %s", (seconds, words) => {
  assert.strictEqual(lengthOfTime(seconds), words);
});

it("a figure below zero has a minus; a date, an exponent, an id and a quoted name keep their hyphens", () => {
  assert.strictEqual(
    withMinusSigns('Slice "-1" of rel-7 on 2026-01-31: z = -2.05, p = 1.1e-41 (score -3.1, boundary -4.2)'),
    'Slice "-1" of rel-7 on 2026-01-31: z = −2.05, p = 1.1e-41 (score −3.1, boundary −4.2)',
  );
});
