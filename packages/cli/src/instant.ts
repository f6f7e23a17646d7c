import { epochMsOf, type Timestamp, timestampOf } from "@sluice/contracts";
import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import { type Exit, usageError } from "./exit.ts";

/** CI writes times in many ISO forms; contracts have one. */
export const instant = (flag: string, given: string): Effect.Effect<Timestamp, Exit> => {
  // `Date.parse` takes "5" for a day in May.
  const epochMs = /^\d{4}-\d\d/u.test(given) ? Date.parse(given) : Number.NaN;
  return Number.isNaN(epochMs)
    ? Effect.fail(usageError(`${flag} is ${given}; give an instant such as 2026-01-31T09:00:00Z`))
    : Effect.succeed(timestampOf(epochMs));
};

const unitMs = { m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** An instant to come, or how long from now: 90m, 24h, 7d. */
export const instantOrIn = Effect.fn("instantOrIn")(function* (flag: string, given: string) {
  const [, count, unit] = /^(\d{1,5})([mhd])$/u.exec(given) ?? [];
  const nowMs = yield* Clock.currentTimeMillis;
  const moment =
    count === undefined
      ? yield* Effect.mapError(instant(flag, given), () =>
          usageError(`${flag} is ${given}; give 90m, 24h, 7d or an instant such as 2026-01-31T09:00:00Z`),
        )
      : timestampOf(nowMs + Number(count) * unitMs[unit as keyof typeof unitMs]);
  if (epochMsOf(moment) > nowMs) return moment;
  return yield* usageError(`${flag} is ${given}, which is over; give 90m, 24h, 7d or an instant to come`);
});
