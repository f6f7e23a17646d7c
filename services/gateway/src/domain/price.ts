/** US dollars for a million tokens. */
export interface Price {
  readonly inputUsdPerMillion: number;
  readonly outputUsdPerMillion: number;
}

/** Null where the price or what has to be paid for is not known. An embedding has no tokens out. */
export const costUsdOf = (
  price: Price | undefined,
  inputTokens: number | null,
  outputTokens: number | null,
): number | null =>
  price === undefined || inputTokens === null
    ? null
    : (inputTokens * price.inputUsdPerMillion + (outputTokens ?? 0) * price.outputUsdPerMillion) / 1_000_000;
