import { type ApplicationName, type CanaryForecast, type Policy, timestampOf } from "@sluice/contracts";
import { forecastRelease, unknownForecast } from "@sluice/forecast";
import { TelemetryError, TelemetryStore } from "@sluice/telemetry";
import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import { Conflict } from "./conflict.ts";

/** About as long as a step lasts: a conversation counts once in each. */
const UNIT_SECONDS = 1_800;
/** The requester waits for it. */
const TIMEOUT_MS = 10_000;

export interface ForecastPolicy {
  readonly forecast: CanaryForecast;
  /** The release's: with a longer hold where policy wants what cannot be seen otherwise to be waited for. */
  readonly policy: Policy;
}

/**
 * What the canary of a requested release will be able to see, told from the application's recent traffic. Fails with a
 * conflict where policy refuses what cannot be seen, and with the store's error where policy insists on a forecast.
 */
export const forecastOf = Effect.fn("forecastOf")(function* (application: ApplicationName, policy: Policy) {
  const { recentSeconds, whenUnseen } = policy.canary.forecast;
  const nowMs = yield* Clock.currentTimeMillis;
  const [from, to] = [timestampOf(nowMs - recentSeconds * 1_000), timestampOf(nowMs)];
  const store = yield* TelemetryStore;
  const traffic = yield* store.traffic({ application, from, to, unitSeconds: UNIT_SECONDS }).pipe(
    Effect.timeoutOrElse({
      duration: TIMEOUT_MS,
      orElse: () =>
        Effect.fail(new TelemetryError({ operation: "query", message: `no answer within ${TIMEOUT_MS} ms` })),
    }),
    Effect.catchTag("TelemetryError", (error) =>
      whenUnseen === "proceed"
        ? Effect.as(Effect.logWarning(`no forecast: ${error.message}`), null)
        : Effect.fail(error),
    ),
  );
  if (!traffic) {
    const forecast = unknownForecast(policy, "the recent traffic could not be asked for");
    return { forecast, policy } satisfies ForecastPolicy;
  }
  const { firstAt, ...totals } = traffic;
  const answer = forecastRelease(policy, firstAt === null ? null : { ...totals, from: firstAt, to });
  if (answer._tag === "Refused") return yield* new Conflict({ code: "cannot-detect", message: answer.sentence });
  return { forecast: answer.forecast, policy: answer.policy } satisfies ForecastPolicy;
});
