import { type Timestamp, timestampOf } from "@sluice/contracts";
import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import { type Exit, usageError } from "./exit.ts";

/** CI writes times in many ISO forms; contracts have one. */
export const instant = (flag: string, given: string): Effect.Effect<Timestamp, Exit> => {
  const epochMs = Date.parse(given);
  return Number.isNaN(epochMs)
    ? Effect.fail(usageError(`${flag} is ${given}; give an instant such as 2026-01-31T09:00:00Z`))
    : Effect.succeed(timestampOf(epochMs));
};

const unitMs = { m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** An instant, or how long from now: 90m, 24h, 7d. */
export const instantOrIn = Effect.fn("instantOrIn")(function* (flag: string, given: string) {
  const [, count, unit] = /^(\d{1,5})([mhd])$/u.exec(given) ?? [];
  if (count === undefined)
    return yield* Effect.mapError(instant(flag, given), () =>
      usageError(`${flag} is ${given}; give 90m, 24h, 7d or an instant such as 2026-01-31T09:00:00Z`),
    );
  return timestampOf((yield* Clock.currentTimeMillis) + Number(count) * unitMs[unit as keyof typeof unitMs]);
});
