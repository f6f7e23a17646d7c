import { withDefault } from "@sluice/contracts/with-default";
import * as Schema from "effect/Schema";

const Positive = Schema.Int.check(Schema.isGreaterThan(0));

export const GateSettings = Schema.Struct({
  /** The log is looked at on every change; the tick catches what a change did not start. */
  tickMs: withDefault(Positive, 1_000),
  /** Evaluations at the same time: each may hold a case table of a few hundred MB. */
  concurrency: withDefault(Positive, 2),
  /** First and longest pause before a store that is down is asked again. */
  retryMs: withDefault(Positive, 200),
  maxRetryMs: withDefault(Positive, 30_000),
  maxCases: withDefault(Positive, 1_000_000),
  /** Of one result file, after decompression. */
  maxResultBytes: withDefault(Positive, 512 * 1_024 * 1_024),
});
export type GateSettings = typeof GateSettings.Type;
/** As written by people: everything may be left out. */
export type GateSettingsInput = typeof GateSettings.Encoded;

export const gateSettings = Schema.decodeUnknownSync(GateSettings);
