import type { JudgeBudget, ModelPrice } from "./judge-budget.ts";

/** An OpenAI-compatible upstream that model judges may name. */
export interface JudgeProvider {
  /** Up to and with the version, such as `https://api.openai.com/v1`. */
  readonly baseUrl: string;
  /** Environment variable with the bearer token; without it none is sent. */
  readonly apiKeyEnv?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Beyond it judgements fail until the hour is over: excluded and counted as any other failure. */
  readonly judgeBudget?: JudgeBudget;
  /** By model. */
  readonly prices?: Readonly<Record<string, ModelPrice>>;
}

export interface JudgeSettings {
  readonly providers: Readonly<Record<string, JudgeProvider>>;
  /** Where `apiKeyEnv` is looked up; the process environment when left out. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Further tries after a failure that may pass (no connection, time-out, 408, 429, 5xx, an unusable answer). Default 2. */
  readonly retries?: number;
  /** Open connections for each provider. Default 16. */
  readonly connections?: number;
}
