import { assert, describe, it } from "@effect/vitest";
import { faults, releaseOfTheWeek } from "./simulated-week.fixture.ts";

// 300 releases on recorded arrivals are `pnpm bench:canary`; here a few of each kind.
const perMinute = [332];

describe("a week of releases", () => {
  it("completes healthy ones through daily cycles and outages, each step on its evidence (error rate of this test: 2 %)", () => {
    const outcomes = Array.from({ length: 16 }, (_, i) =>
      releaseOfTheWeek({ seed: 500 + i, perMinute, fault: null, late: false }),
    );
    assert.isAtMost(outcomes.filter(({ ended }) => ended !== "completed").length, 1);
    assert.deepStrictEqual(
      outcomes.flatMap(({ unfounded }) => unfounded),
      [],
    );
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
