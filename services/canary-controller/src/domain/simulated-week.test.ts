import { assert, describe, it } from "@effect/vitest";
import { faults, releaseOfTheWeek } from "./simulated-week.fixture.ts";

// 300 releases on recorded arrivals are `pnpm bench:canary`; here a few of each kind.
const perMinute = [332];

describe("a week of releases", () => {
  it("completes healthy ones through daily cycles, each step on its evidence (error rate of this test: 1 %)", () => {
    const outcomes = Array.from({ length: 16 }, (_, i) =>
      releaseOfTheWeek({ seed: 500 + i, perMinute, fault: null, late: false }),
    );
    assert.isAtMost(outcomes.filter(({ ended }) => ended !== "completed").length, 1);
    assert.deepStrictEqual(
      outcomes.flatMap(({ unfounded }) => unfounded),
      [],
    );
  });

  it("blames no candidate for outages of both arms where users are held back (error rate of this test: 1 %)", () => {
    const rolledBack = [0, 0.05].map(
      (finalHoldback) =>
        Array.from({ length: 16 }, (_, i) =>
          releaseOfTheWeek({ seed: 500 + i, perMinute, fault: null, late: false, outages: true, finalHoldback }),
        ).filter(({ ended }) => ended !== "completed").length,
    );
    assert.isAtMost(rolledBack[1] ?? 16, 1);
    // Without a baseline beside it the last step cannot tell: that is what the holdback is for.
    assert.isAbove(rolledBack[0] ?? 0, rolledBack[1] ?? 0);
  });

  it("finds large faults that are there at once, before the last step, and passes nothing without evidence", () => {
    const large = faults.filter((_, i) => i % 2 === 1);
    const outcomes = large.map((fault, i) => releaseOfTheWeek({ seed: 700 + i, perMinute, fault, late: false }));
    for (const { ended, step, unfounded } of outcomes) {
      assert.deepStrictEqual([ended, unfounded], ["breached", []]);
      assert.isBelow(step, 3);
    }
  });
});
