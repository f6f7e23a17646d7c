export interface MirrorBudgetLimits {
  readonly maxPerSecond: number | null;
  readonly maxTokensPerHour: number | null;
  /** Counts calls whose price is known. */
  readonly maxUsdPerHour: number | null;
}

/**
 * What an application's shadow may use: calls per second, and tokens and money per hour. All
 * are counted in fixed periods, so that no clock has to run for them.
 */
export class MirrorBudget {
  readonly #limits: MirrorBudgetLimits;
  #second = -1;
  #startedInSecond = 0;
  #hour = -1;
  #tokensInHour = 0;
  #usdInHour = 0;

  constructor(limits: MirrorBudgetLimits) {
    this.#limits = limits;
  }

  /** Takes one call out of the budget; says what forbids it. */
  take(nowMs: number): "rate" | "budget" | null {
    this.#turn(nowMs);
    const { maxPerSecond, maxTokensPerHour, maxUsdPerHour } = this.#limits;
    if (maxTokensPerHour !== null && this.#tokensInHour >= maxTokensPerHour) return "budget";
    if (maxUsdPerHour !== null && this.#usdInHour >= maxUsdPerHour) return "budget";
    if (maxPerSecond !== null && this.#startedInSecond >= maxPerSecond) return "rate";
    this.#startedInSecond += 1;
    return null;
  }

  /** Tokens are known only afterwards: calls under way may go over the bound, by at most their concurrency. */
  spend(tokens: number, usd: number, nowMs: number): void {
    this.#turn(nowMs);
    this.#tokensInHour += tokens;
    this.#usdInHour += usd;
  }

  #turn(nowMs: number): void {
    const second = Math.floor(nowMs / 1_000);
    if (second !== this.#second) {
      this.#second = second;
      this.#startedInSecond = 0;
    }
    const hour = Math.floor(nowMs / 3_600_000);
    if (hour !== this.#hour) {
      this.#hour = hour;
      this.#tokensInHour = 0;
      this.#usdInHour = 0;
    }
  }
}
