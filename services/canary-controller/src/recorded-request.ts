import * as Schema from "effect/Schema";
import type { RecordedRequest } from "./domain/recorded-arms.ts";

const NonNegative = Schema.Finite.check(Schema.isGreaterThanOrEqualTo(0));
const Ratio = Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1 }));
const Flag = Schema.Union([Schema.Literals([0, 1]), Schema.Boolean]);

/** One line of a recorded canary: one request of one arm, as other tools measured it. Further fields are ignored. */
export const RecordedRequestLine = Schema.Struct({
  arm: Schema.Literals(["baseline", "canary", "candidate"]),
  /** Since the start of the recording; null where nobody noted it. */
  t_ms: Schema.optionalKey(Schema.NullOr(NonNegative)),
  latency_ms: NonNegative,
  error: Flag,
  refused: Schema.optionalKey(Schema.NullOr(Flag)),
  quality: Schema.optionalKey(Schema.NullOr(Ratio)),
}).annotate({ identifier: "RecordedRequestLine" });
export type RecordedRequestLine = typeof RecordedRequestLine.Type;

export const recordedRequest = (line: RecordedRequestLine): RecordedRequest => ({
  arm: line.arm === "baseline" ? "baseline" : "candidate",
  atMs: line.t_ms ?? null,
  latencyMs: line.latency_ms,
  failed: Boolean(line.error),
  refused: line.refused === null || line.refused === undefined ? null : Boolean(line.refused),
  quality: line.quality ?? null,
});
