import { type ApplicationName, type CanaryProgress, canaryProgressTopic, epochMsOf } from "@sluice/contracts";
import { EventBus } from "@sluice/event-bus";
import * as Effect from "effect/Effect";
import { canaryProgressOf } from "../domain/canary-progress.ts";
import type { StepFacts } from "../domain/decide-step.ts";

/** An unchanged step is told again after so long: who watches must be able to tell silence from standstill. */
const REPEATED_AFTER_MS = 30_000;

/**
 * Tells how an application's canary step stands whenever a look finds something new, at most once every `everyMs`. It is
 * told for people: a failure to tell it must not keep the step from being decided, and is made good at the next look.
 */
export const progressPublisher = Effect.fn("progressPublisher")(function* (everyMs: number) {
  const bus = yield* EventBus;
  const told = new Map<ApplicationName, CanaryProgress>();

  return Effect.fnUntraced(function* (facts: StepFacts) {
    const { application } = facts.release.request;
    const last = told.get(application);
    const sinceMs = last ? epochMsOf(facts.now) - epochMsOf(last.at) : Number.POSITIVE_INFINITY;
    if (sinceMs < everyMs) return;
    const progress = canaryProgressOf(facts);
    if (last && sinceMs < REPEATED_AFTER_MS && says(last) === says(progress)) return;
    yield* bus.publish(canaryProgressTopic, [progress]).pipe(
      Effect.andThen(Effect.sync(() => told.set(application, progress))),
      Effect.catchTag("BusError", (error) => Effect.logDebug(`progress not told: ${error.message}`)),
    );
  });
});

/** All but the instant, and what follows from it alone. */
const says = ({ at: _, readyAt: __, ...rest }: CanaryProgress): string => JSON.stringify(rest);
