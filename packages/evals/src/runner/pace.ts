import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";

/** When the next request may go out: shared by all that ask the same target. */
export interface Pace {
  /** Waits for this request's turn. */
  readonly turn: Effect.Effect<void>;
  /** Nobody asks before this much time has passed: one who is told to come back speaks for all. */
  readonly pause: (ms: number) => Effect.Effect<void>;
}

/** At most so many requests a second, evenly spaced; null: as fast as the concurrency allows. */
export const makePace = (requestsPerSecond: number | null): Pace => {
  const spacingMs = requestsPerSecond === null ? 0 : 1_000 / requestsPerSecond;
  let nextAt = 0;
  let pausedUntil = 0;
  const turn: Effect.Effect<void> = Effect.gen(function* () {
    const now = yield* Clock.currentTimeMillis;
    const at = Math.max(now, nextAt, pausedUntil);
    nextAt = at + spacingMs;
    while (true) {
      // A pause that was called while this one waited moves it back.
      const waitMs = Math.ceil(Math.max(at, pausedUntil) - (yield* Clock.currentTimeMillis));
      if (waitMs <= 0) return;
      yield* Effect.sleep(waitMs);
    }
  });
  return {
    turn,
    pause: (ms) =>
      Effect.map(Clock.currentTimeMillis, (now) => {
        pausedUntil = Math.max(pausedUntil, now + ms);
      }),
  };
};
