import * as Schema from "effect/Schema";

const Price = Schema.Finite.check(Schema.isGreaterThanOrEqualTo(0));

/** What models cost, for a million tokens. A key is `provider/model`, or a model of whatever provider. */
export const Prices = Schema.Struct({
  currency: Schema.String.check(Schema.isPattern(/^[A-Z]{3}$/u, { expected: "three letters such as USD" })),
  models: Schema.Record(Schema.String, Schema.Struct({ input_per_million: Price, output_per_million: Price })),
});
export type Prices = typeof Prices.Type;

export interface Usage {
  readonly inputTokens: number;
  readonly outputTokens: number;
}

/** In the currency of the prices; null where the model's price is not known. */
export type CostOf = (usage: Usage) => number | null;

export const costBy = (prices: Prices | null, provider: string, model: string): CostOf => {
  const of = (key: string) => (prices && Object.hasOwn(prices.models, key) ? prices.models[key] : undefined);
  const price = of(`${provider}/${model}`) ?? of(model);
  return ({ inputTokens, outputTokens }) =>
    price === undefined
      ? null
      : (inputTokens * price.input_per_million + outputTokens * price.output_per_million) / 1_000_000;
};

/** Four characters a token: right within a third for European languages, and only used where nobody has counted. */
export const estimatedTokens = (text: string): number => Math.ceil(text.length / 4);
