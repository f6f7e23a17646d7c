import { assert, describe, it } from "@effect/vitest";
import { type RandomSource, randomSource } from "@sluice/statistics";
import type { PairedCase } from "./case-table.ts";
import { expectedFalseBlockRate } from "./expected-false-block-rate.ts";
import { headlineResult } from "./headline-rule.ts";
import type { OfflinePolicy } from "./offline-policy.ts";
import { safetyRegressions } from "./safety-rule.ts";
import { sliceResults } from "./slice-rule.ts";
import { offlinePolicy, pair, pairs } from "./testing/case-table-of.ts";

/** The rules themselves, on the whole table. */
const isBlocked = (cases: ReadonlyArray<PairedCase>, policy: OfflinePolicy): boolean =>
  (policy.safety === "enforce" && safetyRegressions(cases).length > 0) ||
  (policy.slices === "enforce" && sliceResults(cases, policy).some(({ breached }) => breached)) ||
  (policy.headline === "enforce" && (headlineResult(cases)?.pValue ?? 1) < policy.headlineAlpha);

const RESAMPLES = 2_000;

/** The definition, without any shortcut: exchange the arms of each case by a coin, and ask the rules. */
const bruteForce = (cases: ReadonlyArray<PairedCase>, policy: OfflinePolicy, random: RandomSource): number => {
  let blocked = 0;
  for (let i = 0; i < RESAMPLES; i++) {
    const exchanged = cases.map((c) => (random() < 0.5 ? c : { ...c, baseline: c.candidate, candidate: c.baseline }));
    if (isBlocked(exchanged, policy)) blocked++;
  }
  return blocked / RESAMPLES;
};

const random = randomSource(7);
const scores = (count: number, slices: number, about: { safety?: boolean } = {}) =>
  Array.from({ length: count }, (_, i) => pair(`c${i}`, random(), random(), { slice: `s${i % slices}`, ...about }));
const passes = (count: number, slices: number) =>
  Array.from({ length: count }, (_, i) =>
    pair(`p${i}`, random() < 0.8 ? 1 : 0, random() < 0.8 ? 1 : 0, { slice: `s${i % slices}` }),
  );
const safe = pairs("safe", 20, 1, 1, { safety: true, slice: "safety" });
const flips = [
  pair("f0", 1, 0, { safety: true, slice: "safety" }),
  pair("f1", 0, 1, { safety: true, slice: "safety" }),
];

const sets: ReadonlyArray<readonly [string, ReadonlyArray<PairedCase>, Partial<OfflinePolicy>]> = [
  ["scores in large slices", scores(240, 4), {}],
  ["scores in slices of 15", scores(120, 8), {}],
  ["scores in slices of 6", scores(48, 8), {}],
  ["few scores", scores(24, 2), {}],
  ["passes and fails", passes(300, 5), {}],
  ["passes and fails in slices of 7", passes(70, 10), {}],
  ["safety cases that disagree", [...passes(100, 3), ...safe, ...flips], {}],
  ["the same, safety only warned about", [...passes(100, 3), ...safe, ...flips], { safety: "warn" }],
  ["nothing but safety cases", [...safe, ...flips], { safety: "off" }],
  ["Holm's correction", scores(240, 8), { sliceCorrection: "holm" }],
  ["Benjamini and Hochberg's correction", scores(240, 8), { sliceCorrection: "bh", headline: "off" }],
  ["a slice without spread", [...pairs("flat", 40, 0.6, 0.5, { slice: "flat" }), ...scores(60, 2)], {}],
];

describe("the shortcut agrees with the definition", () => {
  for (const [name, cases, settings] of sets)
    it(name, () => {
      const policy = offlinePolicy(settings);
      const expected = bruteForce(cases, policy, randomSource(5));
      const rate = expectedFalseBlockRate(cases, policy) ?? Number.NaN;
      // Four standard errors of both simulations: 12 sets fail by chance once in 1,300 runs, and the seeds are fixed.
      const error = Math.sqrt(Math.max(rate * (1 - rate), 0.002) * (1 / RESAMPLES + 1 / 10_000));
      assert.closeTo(rate, expected, 4 * error);
    });
});

it("grows with the number of slices, as the product of what each lets through", () => {
  const rate = (slices: number) =>
    expectedFalseBlockRate(scores(slices * 400, slices), offlinePolicy({ headline: "off" })) ?? 0;
  for (const slices of [1, 10, 20]) assert.closeTo(rate(slices), 1 - (1 - 0.02275) ** slices, 0.02);
});

it("is exact for safety alone: k disagreements block with probability 1 − 2^-k", () => {
  const policy = offlinePolicy({ slices: "off", headline: "off" });
  assert.strictEqual(expectedFalseBlockRate([...safe, ...flips], policy), 0.75);
  assert.strictEqual(expectedFalseBlockRate(safe, policy), 0);
});

it("is 0 where nothing differs, null without cases", () => {
  assert.strictEqual(expectedFalseBlockRate(pairs("c", 50, 1, 1, { slice: "a" }), offlinePolicy()), 0);
  assert.strictEqual(expectedFalseBlockRate([], offlinePolicy()), null);
});
