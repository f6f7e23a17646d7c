import { describe, expect, it } from "vitest";
import { MirrorBudget } from "./mirror-budget.ts";

describe("MirrorBudget", () => {
  it("starts no more calls in a second than allowed, and as many in the next", () => {
    const budget = new MirrorBudget({ maxPerSecond: 2, maxTokensPerHour: null });
    expect([0, 100, 200, 999].map((ms) => budget.take(ms))).toEqual([null, null, "rate", "rate"]);
    expect(budget.take(1_000)).toBeNull();
  });

  it("stops when an hour's tokens are used up, until the next hour", () => {
    const budget = new MirrorBudget({ maxPerSecond: null, maxTokensPerHour: 100 });
    expect(budget.take(0)).toBeNull();
    budget.spend(99, 10);
    expect(budget.take(20)).toBeNull();
    budget.spend(1, 30);
    expect(budget.take(40)).toBe("budget");
    expect(budget.take(3_600_000)).toBeNull();
  });

  it("without limits forbids nothing", () => {
    const budget = new MirrorBudget({ maxPerSecond: null, maxTokensPerHour: null });
    budget.spend(1e9, 0);
    expect(budget.take(0)).toBeNull();
  });
});
