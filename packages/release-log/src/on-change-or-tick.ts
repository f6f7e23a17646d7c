import * as Cause from "effect/Cause";
import * as Effect from "effect/Effect";
import * as Queue from "effect/Queue";
import * as Stream from "effect/Stream";
import { ReleaseLog } from "./release-log.ts";

/**
 * Runs `look` once, then after every change of the log, every wake-up and every tick; changes that come during a look make
 * one more. It never ends before the scope: a look that fails is logged, and the next one starts from the log again.
 * Answers with the wake-up.
 */
export const onChangeOrTick = Effect.fn("onChangeOrTick")(function* <R>(
  name: string,
  look: Effect.Effect<void, unknown, R>,
  tickMs: number,
) {
  const log = yield* ReleaseLog;
  const wanted = yield* Queue.sliding<void>(1);
  const wake = Effect.asVoid(Queue.offer(wanted, undefined));
  yield* Effect.forkScoped(
    Stream.runForEach(log.changes, () => wake),
    { startImmediately: true },
  );
  const guarded = Effect.catchCause(look, (cause) =>
    Cause.hasInterruptsOnly(cause) ? Effect.failCause(Cause.interrupt()) : Effect.logError(`${name} failed`, cause),
  );
  const pause = Queue.take(wanted).pipe(Effect.timeoutOption(tickMs));
  yield* Effect.forkScoped(Effect.forever(Effect.andThen(guarded, pause)));
  return wake;
});
