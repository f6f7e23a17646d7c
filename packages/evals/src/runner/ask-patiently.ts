import * as Effect from "effect/Effect";
import * as Random from "effect/Random";
import * as Result from "effect/Result";
import type { Pace } from "./pace.ts";
import type { Answer, AskFailure } from "./target.ts";

export interface Patience {
  /** Further tries after a failure that may pass. */
  readonly retries: number;
  /** A longer wait than this is not granted: the case is an error instead. */
  readonly longestWaitMs: number;
}

const FIRST_DELAY_MS = 250;
const LONGEST_DELAY_MS = 30_000;
/** A quota is no fault of the case, so being told to come back uses up no retry; it still has to end some time. */
const MAX_THROTTLED = 60;

/**
 * Tries one request until it is answered, with growing and jittered delays, and no sooner than the target says. `attempt`
 * is one request; `onRetry` is told of each failure after which it is sent again.
 */
export const askPatiently = Effect.fnUntraced(function* (
  attempt: Effect.Effect<Answer, AskFailure>,
  pace: Pace,
  { retries, longestWaitMs }: Patience,
  onRetry: (failure: AskFailure) => void,
): Effect.fn.Return<Answer, AskFailure> {
  let failed = 0;
  let throttled = 0;
  while (true) {
    yield* pace.turn;
    const outcome = yield* Effect.result(attempt);
    if (Result.isSuccess(outcome)) return outcome.success;
    const { kind, retryAfterMs } = outcome.failure;
    const isThrottled = kind === "throttled";
    const mayRetry = isThrottled ? ++throttled <= MAX_THROTTLED : kind === "transient" && ++failed <= retries;
    if (!mayRetry || (retryAfterMs ?? 0) > longestWaitMs) return yield* outcome.failure;
    const backOffMs = Math.min(FIRST_DELAY_MS * 2 ** (isThrottled ? throttled - 1 : failed - 1), LONGEST_DELAY_MS);
    // Between half and the whole: those who failed together shall not come back together.
    const delayMs = Math.ceil(Math.max(retryAfterMs ?? 0, backOffMs * (0.5 + 0.5 * (yield* Random.next))));
    onRetry(outcome.failure);
    if (isThrottled) yield* pace.pause(delayMs);
    else yield* Effect.sleep(delayMs);
  }
});
