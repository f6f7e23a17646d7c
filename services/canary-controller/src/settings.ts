import { withDefault } from "@sluice/contracts/with-default";
import * as Schema from "effect/Schema";

const Positive = Schema.Int.check(Schema.isGreaterThan(0));

export const CanaryControllerSettings = Schema.Struct({
  /** The log is acted on at every change; the tick is for what time alone brings: closed windows, holds, deadlines. */
  tickMs: withDefault(Positive, 1_000),
  /** How a step stands is told at most so often, for `release watch` and the dashboard. */
  progressMs: withDefault(Positive, 2_000),
  /** A gateway that was not heard of for this long (five of its heartbeats) is not live. */
  gatewayTimeoutMs: withDefault(Positive, 5_000),
  /** Observations may be this late beyond two windows before the step is held for it. */
  watermarkGraceMs: withDefault(Positive, 10_000),
  /**
   * Judgements may come this long after their window has closed: it is read again until then, and its scores count only
   * then, or when every answer has one. A judge that answers at once allows a shorter one.
   */
  judgementLagMs: withDefault(Positive, 120_000),
  /** A query without an answer by then has failed. */
  queryTimeoutMs: withDefault(Positive, 10_000),
  /** Where safety probes are sent; null sends none, and a policy that asks for them holds at the first step. */
  gatewayUrl: withDefault(Schema.NullOr(Schema.NonEmptyString), null),
  /** The gateway's `probeKey`: without it nobody may choose the arm. */
  probeKey: withDefault(Schema.NullOr(Schema.NonEmptyString), null),
  probeTimeoutMs: withDefault(Positive, 60_000),
});
export type CanaryControllerSettings = typeof CanaryControllerSettings.Type;
/** As written by people: everything may be left out. */
export type CanaryControllerSettingsInput = typeof CanaryControllerSettings.Encoded;

export const canaryControllerSettings = Schema.decodeUnknownSync(CanaryControllerSettings);
