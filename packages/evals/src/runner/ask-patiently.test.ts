import { assert, it } from "@effect/vitest";
import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import * as Fiber from "effect/Fiber";
import { TestClock } from "effect/testing";
import { askPatiently } from "./ask-patiently.ts";
import { makePace } from "./pace.ts";
import { AskFailure } from "./target.ts";

const answer = { output: "yes", inputTokens: 1, outputTokens: 1, counted: true, latencyMs: 1 };
const failure = (kind: AskFailure["kind"], retryAfterMs: number | null = null) =>
  new AskFailure({ kind, message: kind, retryAfterMs, maybePaid: false });
const patience = { retries: 2, longestWaitMs: 60_000 };

/** Fails as told, then answers; when each try was made. */
const target = (...failures: ReadonlyArray<AskFailure>) => {
  const times: Array<number> = [];
  const attempt = Effect.flatMap(Clock.currentTimeMillis, (now) => {
    const failed = failures[times.push(now) - 1];
    return failed ? Effect.fail(failed) : Effect.succeed(answer);
  });
  return { times, attempt };
};
const asked = (attempt: Effect.Effect<typeof answer, AskFailure>, pace = makePace(null)) =>
  Effect.gen(function* () {
    const fiber = yield* Effect.forkChild(Effect.result(askPatiently(attempt, pace, patience, () => {})));
    yield* TestClock.adjust("1 hour");
    return yield* Fiber.join(fiber);
  });

it.effect("comes back no sooner than it is told", () =>
  Effect.gen(function* () {
    const { times, attempt } = target(failure("throttled", 7_000), failure("transient", 3_000));
    assert.strictEqual((yield* asked(attempt))._tag, "Success");
    assert.deepStrictEqual(times, [0, 7_000, 10_000]);
  }),
);

it.effect("waits longer each time, with jitter, and gives up after its retries", () =>
  Effect.gen(function* () {
    const { times, attempt } = target(...Array.from({ length: 9 }, () => failure("transient")));
    assert.strictEqual((yield* asked(attempt))._tag, "Failure");
    assert.lengthOf(times, 3);
    const [first = 0, second = 0] = [(times[1] ?? 0) - (times[0] ?? 0), (times[2] ?? 0) - (times[1] ?? 0)];
    assert.isTrue(first >= 125 && first <= 250, `first wait ${first}`);
    assert.isTrue(second >= 250 && second <= 500, `second wait ${second}`);
  }),
);

it.effect("a quota uses up no retry; what cannot pass is not tried again, nor what asks for an hour", () =>
  Effect.gen(function* () {
    const throttled = target(...Array.from({ length: 20 }, () => failure("throttled", 1_000)));
    assert.strictEqual((yield* asked(throttled.attempt))._tag, "Success");
    for (const hopeless of [failure("refused"), failure("unusable"), failure("transient", 3_600_000)]) {
      const { times, attempt } = target(hopeless);
      assert.strictEqual((yield* asked(attempt))._tag, "Failure");
      assert.lengthOf(times, 1);
    }
  }),
);

it.effect("one who is told to come back holds all the others", () =>
  Effect.gen(function* () {
    const pace = makePace(null);
    const first = target(failure("throttled", 5_000));
    const fiber = yield* Effect.forkChild(askPatiently(first.attempt, pace, patience, () => {}));
    yield* TestClock.adjust("1 second");
    const second = target();
    yield* asked(second.attempt, pace);
    yield* Fiber.join(fiber);
    assert.deepStrictEqual([first.times, second.times], [[0, 5_000], [5_000]]);
  }),
);

it.effect("a rate is kept, evenly spaced", () =>
  Effect.gen(function* () {
    const { times, attempt } = target();
    const pace = makePace(4);
    const fiber = yield* Effect.forkChild(
      Effect.forEach(Array.from({ length: 5 }), () => askPatiently(attempt, pace, patience, () => {}), {
        concurrency: "unbounded",
      }),
    );
    yield* TestClock.adjust("1 minute");
    yield* Fiber.join(fiber);
    assert.deepStrictEqual(times, [0, 250, 500, 750, 1_000]);
  }),
);
