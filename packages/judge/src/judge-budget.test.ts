import { assert, it } from "@effect/vitest";
import { Spending } from "./judge-budget.ts";

it("a budget is anew with each hour of the clock", () => {
  const spending = new Spending({ tokensPerHour: 100 });
  const nine = Date.UTC(2026, 0, 31, 9);
  spending.add("m", { inputTokens: 90, outputTokens: 9 }, nine + 10);
  assert.isNull(spending.fault(nine + 20));
  spending.add("m", { inputTokens: 1, outputTokens: 0 }, nine + 30);
  assert.include(spending.fault(nine + 40) ?? "", "spent until 2026-01-31T10:00:00.000Z");
  assert.isNull(spending.fault(nine + 3_600_000));
});
