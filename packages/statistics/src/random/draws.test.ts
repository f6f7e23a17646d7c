import { describe, expect, it } from "vitest";
import { beta } from "../distributions/beta.ts";
import { binomial, poisson } from "../distributions/binomial.ts";
import { chiSquare, gamma } from "../distributions/gamma.ts";
import { normal } from "../distributions/normal.ts";
import { drawBeta, drawBinomial, drawGamma, drawNormal, drawPoisson } from "./draws.ts";
import { randomSource } from "./random-source.ts";

// Chi-square goodness of fit on 20 equally probable cells, seeded. At p < 1e−4 a true generator fails one check in 10,000.
const DRAWS = 20_000;
const LEAST_P = 1e-4;

/** p of the draws' places in their distribution; for whole numbers the place is drawn within the jump of the cdf. */
const fit = (draw: () => readonly [number, number], seed: number): number => {
  const random = randomSource(seed);
  const cells = new Array<number>(20).fill(0);
  for (let i = 0; i < DRAWS; i++) {
    const [below, at] = draw();
    const place = below + (at - below) * random();
    const cell = Math.min(19, Math.floor(20 * place));
    cells[cell] = (cells[cell] as number) + 1;
  }
  const expected = DRAWS / 20;
  return chiSquare.sf(
    cells.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0),
    19,
  );
};

describe("seeded draws follow their distributions", () => {
  it.each([
    [5, 0.3],
    [1_000, 0.01],
    [1_000, 0.05],
    [400, 0.5],
    [1_000_000, 0.9],
  ])("binomial(%d, %d)", (n, p) => {
    const random = randomSource(n);
    const draw = () => {
      const k = drawBinomial(random, n, p);
      return [k === 0 ? 0 : binomial.cdf(k - 1, n, p), binomial.cdf(k, n, p)] as const;
    };
    expect(fit(draw, 1)).toBeGreaterThan(LEAST_P);
  });
  it.each([0.4, 7, 300])("Poisson(%d)", (mean) => {
    const random = randomSource(mean);
    const draw = () => {
      const k = drawPoisson(random, mean);
      return [k === 0 ? 0 : poisson.cdf(k - 1, mean), poisson.cdf(k, mean)] as const;
    };
    expect(fit(draw, 2)).toBeGreaterThan(LEAST_P);
  });
  it("uniform, normal, gamma and beta", () => {
    const random = randomSource(9);
    const continuous: ReadonlyArray<() => number> = [
      () => random(),
      () => normal.cdf(drawNormal(random)),
      () => gamma.cdf(drawGamma(random, 0.3), 0.3),
      () => gamma.cdf(drawGamma(random, 4), 4),
      () => beta.cdf(drawBeta(random, 0.5, 3), 0.5, 3),
    ];
    for (const place of continuous) {
      const draw = () => {
        const at = place();
        return [at, at] as const;
      };
      expect(fit(draw, 3)).toBeGreaterThan(LEAST_P);
    }
  });
  it("the same seed gives the same numbers, another seed others", () => {
    const first = randomSource(42);
    const again = randomSource(42);
    const other = randomSource(43);
    const numbers = Array.from({ length: 100 }, first);
    expect(Array.from({ length: 100 }, again)).toEqual(numbers);
    expect(Array.from({ length: 100 }, other)).not.toEqual(numbers);
    expect(new Set(numbers).size).toBe(100);
  });
});
