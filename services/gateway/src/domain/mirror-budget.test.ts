import { describe, expect, it } from "vitest";
import { MirrorBudget } from "./mirror-budget.ts";

const unbounded = { maxPerSecond: null, maxTokensPerHour: null, maxUsdPerHour: null };

describe("MirrorBudget", () => {
  it("starts no more calls in a second than allowed, and as many in the next", () => {
    const budget = new MirrorBudget({ ...unbounded, maxPerSecond: 2 });
    expect([0, 100, 200, 999].map((ms) => budget.take(ms))).toEqual([null, null, "rate", "rate"]);
    expect(budget.take(1_000)).toBeNull();
  });

  it("stops when an hour's tokens are used up, until the next hour", () => {
    const budget = new MirrorBudget({ ...unbounded, maxTokensPerHour: 100 });
    expect(budget.take(0)).toBeNull();
    budget.spend(99, 0, 10);
    expect(budget.take(20)).toBeNull();
    budget.spend(1, 0, 30);
    expect(budget.take(40)).toBe("budget");
    expect(budget.take(3_600_000)).toBeNull();
  });

  it("stops when an hour's money is spent, until the next hour", () => {
    const budget = new MirrorBudget({ ...unbounded, maxUsdPerHour: 2 });
    budget.spend(1, 1.99, 0);
    expect(budget.take(10)).toBeNull();
    budget.spend(1, 0.01, 20);
    expect(budget.take(30)).toBe("budget");
    expect(budget.take(3_600_000)).toBeNull();
  });

  it("without limits forbids nothing", () => {
    const budget = new MirrorBudget(unbounded);
    budget.spend(1e9, 1e9, 0);
    expect(budget.take(0)).toBeNull();
  });
});
