/** The OpenAI paths below `/v1/` that are proxied. */
export const endpoints = ["chat/completions", "completions", "embeddings", "responses"] as const;
export type Endpoint = (typeof endpoints)[number];

export type JsonObject = { readonly [key: string]: unknown };

export const isJsonObject = (value: unknown): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);
