import type { Observation } from "@sluice/contracts";
import type { AnswerFacts, ToolCall } from "./answer-facts.ts";

type Measured = Pick<
  Observation,
  | "status"
  | "errorClass"
  | "latencyMs"
  | "timeToFirstTokenMs"
  | "inputTokens"
  | "outputTokens"
  | "finishReason"
  | "refused"
>;

/** Null where it is not known. */
interface Priced {
  readonly costUsd: number | null;
}

/** How one call to an arm ended. */
export interface Outcome extends Measured, Priced {
  /** The client left before the end: nothing is known of the arm, and it is not to blame. */
  readonly clientGone: boolean;
  /** The provider said 429, perhaps before another address answered; `retryAfterMs` is null where it did not say how long. */
  readonly rateLimited: { readonly retryAfterMs: number | null } | null;
  /** Our own queue for the provider was full: it was never asked. */
  readonly queueFull: boolean;
  /** What was answered; empty where nothing readable came. */
  readonly text: string;
  readonly toolCalls: ReadonlyArray<ToolCall>;
}

/** Status of a request whose client left, as web servers have logged it since nginx. */
export const CLIENT_GONE_STATUS = 499;

export type RefusalDetector = (text: string) => boolean;

/** Milliseconds with three decimals: more would only be noise in every event. */
export const roundedMs = (ms: number): number => Math.max(0, Math.round(ms * 1_000) / 1_000);

/** Null where it cannot be told: no answer, or nothing readable in it. */
export const refusedOf = (facts: AnswerFacts, looksLikeRefusal: RefusalDetector): boolean | null => {
  if (facts.declined) return true;
  return facts.text === "" ? null : looksLikeRefusal(facts.text);
};
