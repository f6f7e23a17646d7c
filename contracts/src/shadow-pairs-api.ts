import * as Schema from "effect/Schema";
import { ErrorClass, ToolDivergence } from "./observation.ts";
import { Count, NonNegative, PositiveCount, Ratio, Text, Timestamp } from "./primitives.ts";
import type { Route } from "./registry-api.ts";

const ShadowAnswer = Schema.Struct({
  /** Redacted. */
  output: Schema.String,
  errorClass: Schema.NullOr(ErrorClass),
  latencyMs: NonNegative,
}).annotate({ identifier: "ShadowAnswer" });

/** One mirrored request with both answers, as it was kept for people to look at. */
export const ShadowPair = Schema.Struct({
  pairId: Schema.NonEmptyString,
  at: Timestamp,
  /** Redacted. */
  input: Schema.String,
  baseline: ShadowAnswer,
  candidate: ShadowAnswer,
  /** How the candidate called other tools than the baseline; null: it did not, or that is not known. */
  toolDivergence: Schema.NullOr(ToolDivergence.fields.kind),
  /** Null while the judge has not said anything. Scores are null where it failed, or where there was nothing to compare. */
  judgement: Schema.NullOr(
    Schema.Struct({
      baselineScore: Schema.NullOr(Ratio),
      candidateScore: Schema.NullOr(Ratio),
      error: Schema.NullOr(Text),
    }),
  ),
}).annotate({ identifier: "ShadowPair" });
export type ShadowPair = typeof ShadowPair.Type;

export const ShadowPairsBody = Schema.Struct({
  /** Share of the pairs that policy lets be kept; 0: none. */
  payloadSampleRate: Ratio,
  keptDays: PositiveCount,
  /** Pairs of the release that are there: those that were kept, are not older than `keptDays`, and were not erased. */
  kept: Count,
  /** Those where the judge saw the candidate lose most first, then the latest. */
  pairs: Schema.Array(ShadowPair),
}).annotate({ identifier: "ShadowPairsBody" });

/** What people were answered and would have been: the only routes that give texts of users. */
export const shadowPairRoutes = {
  getShadowPairs: {
    method: "GET",
    path: "/v1/releases/:releaseId/pairs",
    summary: "Mirrored requests of the release's shadow with both answers and what the judge said",
    permission: "texts",
    query: ["application", "limit"],
    status: 200,
    response: ShadowPairsBody,
  },
} as const satisfies Record<string, Route>;
