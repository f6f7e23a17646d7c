import type { CostOf, Usage } from "./prices.ts";

export interface Budget {
  /** In the currency of the prices. */
  readonly maxCost: number | null;
  readonly maxTokens: number | null;
}

/** What has been spent and what is under way, so that requests in flight cannot exceed the budget together. */
export class Ledger {
  readonly #budget: Budget;
  #tokens = 0;
  #cost = 0;
  #reservedTokens = 0;
  #reservedCost = 0;
  #isCostKnown = true;

  constructor(budget: Budget) {
    this.#budget = budget;
  }

  get tokens(): number {
    return this.#tokens;
  }

  /** Null once something was spent whose price is not known. */
  get cost(): number | null {
    return this.#isCostKnown ? this.#cost : null;
  }

  /** Puts the estimate of one request aside; false where the budget has no room for it. */
  reserve(usage: Usage, costOf: CostOf): boolean {
    const tokens = usage.inputTokens + usage.outputTokens;
    const cost = costOf(usage) ?? 0;
    const { maxCost, maxTokens } = this.#budget;
    if (maxTokens !== null && this.#tokens + this.#reservedTokens + tokens > maxTokens) return false;
    if (maxCost !== null && this.#cost + this.#reservedCost + cost > maxCost) return false;
    this.#reservedTokens += tokens;
    this.#reservedCost += cost;
    return true;
  }

  /** Gives back what was put aside. */
  release(usage: Usage, costOf: CostOf): void {
    this.#reservedTokens -= usage.inputTokens + usage.outputTokens;
    this.#reservedCost -= costOf(usage) ?? 0;
  }

  spend(usage: Usage, costOf: CostOf): void {
    this.#tokens += usage.inputTokens + usage.outputTokens;
    const cost = costOf(usage);
    if (cost === null) this.#isCostKnown = false;
    else this.#cost += cost;
  }
}
