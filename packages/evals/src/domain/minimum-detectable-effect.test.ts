import { assert, it } from "@effect/vitest";
import { mcnemarExact, randomSource } from "@sluice/statistics";
import { criticalWorse, minimumDetectableEffect } from "./minimum-detectable-effect.ts";
import { pairedDifferences } from "./paired-differences.ts";
import { pair, pairs } from "./testing/case-table-of.ts";

const passFail = (agree: number, worse: number, better: number) =>
  pairedDifferences([...pairs("a", agree, 1, 1), ...pairs("w", worse, 1, 0), ...pairs("b", better, 0, 1)]);

/** Share of simulated sets with this drop in which the test rejects. */
const simulatedPower = (n: number, share: number, drop: number, alpha: number): number => {
  const random = randomSource(23);
  const worseShare = (Math.max(share, drop) + drop) / 2;
  const betterShare = (Math.max(share, drop) - drop) / 2;
  let rejected = 0;
  for (let run = 0; run < 4_000; run++) {
    let worse = 0;
    let better = 0;
    for (let i = 0; i < n; i++) {
      const u = random();
      if (u < worseShare) worse++;
      else if (u < worseShare + betterShare) better++;
    }
    if (mcnemarExact({ worse, better }).pWorse < alpha) rejected++;
  }
  return rejected / 4_000;
};

it("of passes and fails is the drop that the exact test finds four times in five", () => {
  for (const [agree, worse, better] of [
    [170, 15, 15],
    [290, 6, 4],
    [100, 0, 0],
  ] as const) {
    const group = passFail(agree, worse, better);
    const effect = minimumDetectableEffect(group, 0.05) ?? Number.NaN;
    // Four standard errors of 4,000 runs at 0.8.
    assert.closeTo(simulatedPower(group.n, (worse + better) / group.n, effect, 0.05), 0.8, 0.026);
  }
});

it("is continuous where the exact sum gives way to the formula", () => {
  const exact = minimumDetectableEffect(passFail(1_600, 199, 199), 0.05) ?? 0;
  const formula = minimumDetectableEffect(passFail(1_600, 202, 202), 0.05) ?? 0;
  assert.closeTo(exact / formula, 1, 0.04);
});

it("of means is that of the paired t test", () => {
  const group = pairedDifferences(
    Array.from({ length: 100 }, (_, i) => pair(`c${i}`, 0.5, 0.5 + (i % 2 ? 0.1 : -0.1))),
  );
  // R: power.t.test(n = 100, sd = sqrt(100/99)/10, power = .8, type = "paired", alternative = "one.sided")$delta.
  assert.closeTo(minimumDetectableEffect(group, 0.05) ?? 0, 0.02515, 1e-4);
});

it("cannot be told without cases, without spread, or of too few", () => {
  assert.strictEqual(minimumDetectableEffect(pairedDifferences([]), 0.05), null);
  assert.strictEqual(minimumDetectableEffect(pairedDifferences(pairs("c", 50, 0.3, 0.3)), 0.05), null);
  assert.strictEqual(minimumDetectableEffect(passFail(4, 0, 0), 0.05), null);
});

it("knows the fewest worse cases that are significant", () => {
  assert.strictEqual(criticalWorse(4, 0.05), 5);
  assert.strictEqual(criticalWorse(5, 0.05), 5);
  assert.strictEqual(criticalWorse(12, 0.05), 10);
});
