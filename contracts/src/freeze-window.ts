import * as Cron from "effect/Cron";
import * as Result from "effect/Result";
import * as Schema from "effect/Schema";

/** A cron expression that comes round: one that never does would freeze for ever, or never. */
const comesRound = (expression: string): boolean => {
  const parsed = Cron.parse(expression, "UTC");
  if (Result.isFailure(parsed)) return false;
  try {
    return Cron.next(parsed.success) instanceof Date;
  } catch {
    return false;
  }
};

const CronExpression = Schema.NonEmptyString.check(
  Schema.isMaxLength(100),
  Schema.makeFilter(
    (text) => comesRound(text) || "five cron fields (minute hour day month weekday), such as 0 17 * * FRI",
  ),
);

const TimeZone = Schema.NonEmptyString.check(
  Schema.makeFilter((text) => {
    try {
      return new Intl.DateTimeFormat("en", { timeZone: text }) instanceof Intl.DateTimeFormat;
    } catch {
      return "an IANA time zone, such as Europe/Berlin";
    }
  }),
);

/** A recurring time in which no candidate gets more users: from each `from` to the `until` after it, by local time. */
export const FreezeWindow = Schema.Struct({
  name: Schema.NonEmptyString.check(Schema.isMaxLength(100)).annotate({
    description: "What people call it; it stands in the record.",
  }),
  from: CronExpression.annotate({ description: "Cron expression of its start, such as `0 17 * * FRI`." }),
  until: CronExpression.annotate({ description: "Cron expression of its end, such as `0 8 * * MON`." }),
  timeZone: TimeZone.annotate({ description: "IANA time zone of both, such as `Europe/Berlin`." }),
}).annotate({ identifier: "FreezeWindow" });
export type FreezeWindow = typeof FreezeWindow.Type;
