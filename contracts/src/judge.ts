import * as Schema from "effect/Schema";
import { Count, Digest, Interval, PositiveCount, Ratio, Timestamp } from "./primitives.ts";
import { setting } from "./setting.ts";
import { withDefault } from "./with-default.ts";

const Text = Schema.NonEmptyString.check(Schema.isMaxLength(20_000));

/** One thing that a response must be; pure, in process, and in time linear in the response. */
const JudgeRule = Schema.Union([
  Schema.Struct({ rule: Schema.Literal("not-refused") }),
  Schema.Struct({ rule: Schema.Literal("not-empty") }),
  Schema.Struct({ rule: Schema.Literal("json") }),
  /** Draft 2020-12; its patterns are RE2. */
  Schema.Struct({ rule: Schema.Literal("json-schema"), schema: Schema.Record(Schema.String, Schema.Json) }),
  Schema.Struct({ rule: Schema.Literal("contains"), text: Schema.NonEmptyString }),
  Schema.Struct({ rule: Schema.Literal("matches"), pattern: Schema.NonEmptyString }),
  Schema.Struct({ rule: Schema.Literal("length"), minCharacters: Count, maxCharacters: PositiveCount }),
  /** Holds unless the response is surely in another language; ISO 639-1 codes. */
  Schema.Struct({
    rule: Schema.Literal("language"),
    languages: Schema.Array(
      Schema.String.check(Schema.isPattern(/^[a-z]{2}$/u, { expected: "an ISO 639-1 code such as en" })),
    ).check(Schema.isMinLength(1)),
  }),
  /** ROUGE F-measure against a text; the score itself, or with `atLeast` whether it is reached. */
  Schema.Struct({
    rule: Schema.Literal("similarity"),
    /** The case's own reference when left out. Production traffic has none: there a rule without one is a judge error. */
    reference: Schema.optionalKey(Text),
    measure: withDefault(Schema.Literals(["rouge-1", "rouge-l"]), "rouge-l"),
    atLeast: Schema.optionalKey(Ratio),
  }),
]);

const DeterministicJudge = Schema.Struct({
  kind: Schema.Literal("deterministic"),
  /** Each rule scores 0..1; the judge's score is their mean. */
  rules: Schema.Array(JudgeRule).check(Schema.isMinLength(1)),
});

const asked = {
  /** Names an upstream in the service's configuration, as a model artifact does. */
  provider: Schema.NonEmptyString,
  model: Schema.NonEmptyString,
  rubric: Text,
  timeoutMs: setting(PositiveCount, 30_000, "A judge that answers later has failed; a failure is not a score."),
};
const ModelJudge = Schema.Struct({ kind: Schema.Literal("model"), ...asked });

export const defaultJudge = {
  kind: "deterministic",
  rules: [{ rule: "not-empty" }, { rule: "not-refused" }],
} as const satisfies typeof DeterministicJudge.Type;

/** Asked in both orders: a preference that changes with the order is a tie. */
const PairwiseJudge = Schema.Struct({
  kind: Schema.Literal("pairwise"),
  ...asked,
  /** Scores single responses, which have nothing to be compared with: the canary's. */
  responses: setting(
    Schema.Union([DeterministicJudge, ModelJudge]),
    defaultJudge,
    "Who scores single responses, in the canary.",
  ),
});

const EnsembleJudge = Schema.Struct({
  kind: Schema.Literal("ensemble"),
  members: Schema.Array(Schema.Union([DeterministicJudge, ModelJudge, PairwiseJudge])).check(
    Schema.isMinLength(2),
    Schema.isMaxLength(9),
  ),
  combine: setting(Schema.Literals(["mean", "median"]), "mean", "How the members' scores make one."),
  /** With fewer answers there is no score. All of them when left out. */
  minAnswers: Schema.optionalKey(PositiveCount),
});

/** Which judge scores responses. The same digest for both arms; a new judge is a new baseline of judgement. */
export const JudgeSpecification = Schema.Union([DeterministicJudge, ModelJudge, PairwiseJudge, EnsembleJudge]).annotate(
  { identifier: "JudgeSpecification" },
);
export type JudgeSpecification = typeof JudgeSpecification.Type;

const Estimate = Schema.NullOr(Schema.Struct({ value: Schema.Finite, interval: Interval }));

/** What a judge's comparison with people's labels came to: the artifact that `policy.judgeTrust.calibration` names. */
export const JudgeCalibrationRecord = Schema.Struct({
  kind: Schema.Literal("judge-calibration"),
  version: Schema.Literal(1),
  /** Digest of the judge's specification. */
  judge: Digest,
  specification: JudgeSpecification,
  /** SHA-256 of the file of labelled pairs. */
  rows: Digest,
  calibratedAt: Timestamp,
  /** Pairs with people's label and a verdict. */
  n: Count,
  judgeErrors: Count,
  agreement: Estimate,
  kappa: Estimate,
}).annotate({ identifier: "JudgeCalibrationRecord" });
export type JudgeCalibrationRecord = typeof JudgeCalibrationRecord.Type;

/** How far the judge behind a verdict was to be believed. */
export const JudgeReport = Schema.Struct({
  /** True: what the judge says is only told. A shadow then rests on counts alone, a canary on its other checks. */
  reportOnly: Schema.Boolean,
  reason: Schema.String.check(Schema.isMaxLength(1_000)),
  calibration: Schema.NullOr(Schema.Struct({ artifact: Digest, n: Count, agreement: Estimate, kappa: Estimate })),
  /** Pairs that the judge was asked about in both orders, and those where its preference changed with the order. */
  orders: Schema.NullOr(Schema.Struct({ asked: Count, changed: Count })),
}).annotate({ identifier: "JudgeReport" });
export type JudgeReport = typeof JudgeReport.Type;
