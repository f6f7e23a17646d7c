/** Most that a provider's judges may use in any hour of the clock; a limit that is left out is none. */
export interface JudgeBudget {
  readonly tokensPerHour?: number;
  /** In US dollars; needs the prices of the models, without which a call costs nothing. */
  readonly usdPerHour?: number;
}

/** US dollars for a million tokens. */
export interface ModelPrice {
  readonly inputUsdPerMillion: number;
  readonly outputUsdPerMillion: number;
}

export interface Usage {
  readonly inputTokens: number;
  readonly outputTokens: number;
}

const HOUR_MS = 3_600_000;

/** What one provider's judges have used in this hour. */
export class Spending {
  readonly #budget: JudgeBudget;
  readonly #prices: Readonly<Record<string, ModelPrice>>;
  #hour = -1;
  #tokens = 0;
  #usd = 0;

  constructor(budget: JudgeBudget = {}, prices: Readonly<Record<string, ModelPrice>> = {}) {
    this.#budget = budget;
    this.#prices = prices;
  }

  /** Null while there is something left, else one sentence. A call that was begun is finished: one call is the overshoot. */
  fault(nowMs: number): string | null {
    this.#enter(nowMs);
    const { tokensPerHour = Number.POSITIVE_INFINITY, usdPerHour = Number.POSITIVE_INFINITY } = this.#budget;
    const until = new Date((this.#hour + 1) * HOUR_MS).toISOString();
    if (this.#tokens >= tokensPerHour)
      return `its budget of ${tokensPerHour} tokens an hour is spent until ${until}; raise tokensPerHour or sample less`;
    if (this.#usd >= usdPerHour)
      return `its budget of ${usdPerHour} USD an hour is spent until ${until}; raise usdPerHour or sample less`;
    return null;
  }

  add(model: string, { inputTokens, outputTokens }: Usage, nowMs: number): void {
    this.#enter(nowMs);
    this.#tokens += inputTokens + outputTokens;
    const price = Object.hasOwn(this.#prices, model) ? this.#prices[model] : undefined;
    if (price)
      this.#usd += (inputTokens * price.inputUsdPerMillion + outputTokens * price.outputUsdPerMillion) / 1_000_000;
  }

  #enter(nowMs: number): void {
    const hour = Math.floor(nowMs / HOUR_MS);
    if (hour === this.#hour) return;
    this.#hour = hour;
    this.#tokens = 0;
    this.#usd = 0;
  }
}

/** Four characters a token, where the upstream has not counted. */
export const estimatedUsage = (request: string, answer: string): Usage => ({
  inputTokens: Math.ceil(request.length / 4),
  outputTokens: Math.ceil(answer.length / 4),
});
