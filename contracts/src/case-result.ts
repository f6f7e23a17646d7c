import * as Schema from "effect/Schema";
import { Count, Digest, NonNegative, Timestamp } from "./primitives.ts";

const Score = Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1 }));

const outcome = {
  score: Schema.optionalKey(Score),
  passed: Schema.optionalKey(Schema.Boolean),
  /** The runner or the judge failed: neither passed nor failed. */
  error: Schema.optionalKey(Schema.NullOr(Schema.String)),
  latency_ms: Schema.optionalKey(Schema.NullOr(NonNegative)),
  cost_usd: Schema.optionalKey(Schema.NullOr(NonNegative)),
  output: Schema.optionalKey(Schema.NullOr(Schema.String)),
};
const about = {
  case_id: Schema.NonEmptyString,
  slice: Schema.optionalKey(Schema.String),
  safety: Schema.optionalKey(Schema.Boolean),
  input: Schema.optionalKey(Schema.NullOr(Schema.String)),
  repeat: Schema.optionalKey(Count),
};

/** One line of a case-result file (one arm). `passed` decides, else score >= 0.5. Snake case: a file format for CI. */
export const CaseResultLine = Schema.Struct({ ...about, ...outcome }).annotate({ identifier: "CaseResultLine" });
export type CaseResultLine = typeof CaseResultLine.Type;

/** One line of a paired file (both arms of one case). */
export const PairedResultLine = Schema.Struct({
  ...about,
  baseline: Schema.Struct(outcome),
  candidate: Schema.Struct(outcome),
}).annotate({ identifier: "PairedResultLine" });
export type PairedResultLine = typeof PairedResultLine.Type;

/**
 * `RESULTS.manifest.json` beside a file of case results: what was evaluated, and when. Written by whoever ran the
 * evaluation, so that the gate can tell results of another bundle, another eval set or another month from the right ones.
 */
export const ResultsManifest = Schema.Struct({ evalSet: Digest, bundle: Digest, producedAt: Timestamp }).annotate({
  identifier: "ResultsManifest",
});
export type ResultsManifest = typeof ResultsManifest.Type;
