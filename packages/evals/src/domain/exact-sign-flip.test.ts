import { assert, it } from "@effect/vitest";
import { randomSource, signFlipPermutation } from "@sluice/statistics";
import { signFlipLowerTail } from "./exact-sign-flip.ts";

const random = randomSource(11);
const sample = (n: number) => Array.from({ length: n }, () => Math.round((random() - 0.6) * 20) / 20);
const sum = (values: ReadonlyArray<number>) => values.reduce((total, value) => total + value, 0);

it("equals plain enumeration, ties and zeros included", () => {
  for (const n of [1, 2, 5, 12, 16])
    for (let i = 0; i < 5; i++) {
      const values = sample(n);
      const { pValue } = signFlipPermutation(values, { alternative: "less", seed: 1 });
      assert.closeTo(signFlipLowerTail(values)(sum(values)), pValue, 1e-12);
    }
});

it("agrees with random sign patterns where enumeration ends", () => {
  const values = sample(28);
  const { pValue } = signFlipPermutation(values, { alternative: "less", seed: 3, permutations: 20_000 });
  // Five standard errors of 20,000 patterns.
  assert.closeTo(signFlipLowerTail(values)(sum(values)), pValue, 5 * Math.sqrt(0.25 / 20_000));
});

it("runs from 2^-n to 1", () => {
  const tail = signFlipLowerTail([0.1, -0.2, 0.3]);
  assert.strictEqual(tail(-0.6), 1 / 8);
  assert.strictEqual(tail(-0.61), 0);
  assert.strictEqual(tail(0.6), 1);
  assert.strictEqual(signFlipLowerTail([0, 0])(0), 1);
});
