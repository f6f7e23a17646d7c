import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import { digestOf } from "./digest.ts";
import { Count, Digest, NonNegative, Positive, PositiveCount, Probability, Ratio } from "./primitives.ts";
import { withDefault } from "./with-default.ts";

/** A struct that may be left out: every field of it has a default. */
const group = <const Fields extends Schema.Struct.Fields>(fields: Fields) => {
  const struct = Schema.Struct(fields);
  return struct.pipe(Schema.withDecodingDefaultKey<typeof struct>(Effect.succeed({} as (typeof struct)["Encoded"])));
};

const RuleMode = Schema.Literals(["enforce", "warn", "off"]);

/** The offline gate (design §2). The defaults are the design's rules to the letter. */
export const OfflinePolicy = group({
  safety: withDefault(RuleMode, "enforce"),
  slices: withDefault(RuleMode, "enforce"),
  headline: withDefault(RuleMode, "enforce"),
  /** A slice is down when its mean paired difference lies this many standard errors below 0. */
  sliceSigmas: withDefault(Positive, 2),
  sliceCorrection: withDefault(Schema.Literals(["none", "holm", "bh"]), "none"),
  headlineAlpha: withDefault(Probability, 0.05),
  /** Fewer usable non-error cases than this is inconclusive. */
  minCases: withDefault(PositiveCount, 10),
  /** Above this share of cases with a judge or runner error the evidence is invalid. */
  maxErrorShare: withDefault(Ratio, 0.02),
  /** Evidence older than this at the time of the request is invalid. */
  maxEvidenceAgeSeconds: withDefault(Positive, 7 * 86_400),
});

/** Which judge scores responses. The same digest for both arms; a new judge is a new baseline of judgement. */
export const JudgeSpecification = Schema.Union([
  Schema.Struct({
    kind: Schema.Literal("deterministic"),
    /** Each rule scores 0..1; the judge's score is their mean. */
    rules: Schema.Array(
      Schema.Union([
        Schema.Struct({ rule: Schema.Literal("not-refused") }),
        Schema.Struct({ rule: Schema.Literal("not-empty") }),
        Schema.Struct({ rule: Schema.Literal("json") }),
        Schema.Struct({ rule: Schema.Literal("contains"), text: Schema.NonEmptyString }),
        Schema.Struct({ rule: Schema.Literal("matches"), pattern: Schema.NonEmptyString }),
        Schema.Struct({ rule: Schema.Literal("length"), minCharacters: Count, maxCharacters: PositiveCount }),
      ]),
    ).check(Schema.isMinLength(1)),
  }),
  Schema.Struct({
    kind: Schema.Literal("model"),
    /** Names an upstream in the service's configuration, as a model artifact does. */
    provider: Schema.NonEmptyString,
    model: Schema.NonEmptyString,
    rubric: Schema.NonEmptyString.check(Schema.isMaxLength(20_000)),
    timeoutMs: withDefault(PositiveCount, 30_000),
  }),
]).annotate({ identifier: "JudgeSpecification" });
export type JudgeSpecification = typeof JudgeSpecification.Type;

const defaultJudge: JudgeSpecification = {
  kind: "deterministic",
  rules: [{ rule: "not-empty" }, { rule: "not-refused" }],
};

export const ShadowPolicy = group({
  /** Share of baseline requests that are mirrored. */
  sampleRate: withDefault(Ratio, 1),
  minDurationSeconds: withDefault(NonNegative, 3_600),
  minRequests: withDefault(Count, 10_000),
  /** Whether one of the two (duration, requests) is enough, or both are needed. */
  enough: withDefault(Schema.Literals(["either", "both"]), "either"),
  minPairs: withDefault(PositiveCount, 200),
  alpha: withDefault(Probability, 0.01),
  /** A drop of the mean score up to this size is tolerated. */
  margin: withDefault(Ratio, 0),
  maxErrorShare: withDefault(Ratio, 0.02),
  /** Without enough pairs by then the shadow is inconclusive. */
  deadlineSeconds: withDefault(Positive, 86_400),
  /** Bounds of the mirror: they protect the user's path and the budget. */
  concurrency: withDefault(PositiveCount, 16),
  queueLimit: withDefault(PositiveCount, 1_000),
  timeoutMs: withDefault(PositiveCount, 60_000),
});

const onBreach = withDefault(Schema.Literals(["rollback", "hold", "warn"]), "rollback");
const rateMetric = (ceiling: number | null) =>
  group({
    onBreach,
    /** Tolerated ratio of the arms' odds (1: none worse). */
    marginOddsRatio: withDefault(Schema.Finite.check(Schema.isGreaterThanOrEqualTo(1)), 1),
    weight: withDefault(NonNegative, 1),
    /** Breached when the candidate's rate is surely above this, whatever the baseline does. */
    ceiling: withDefault(Schema.NullOr(Ratio), ceiling),
  });

export const CanaryStep = Schema.Struct({
  share: Schema.Finite.check(Schema.isGreaterThan(0), Schema.isLessThanOrEqualTo(1)),
  holdSeconds: NonNegative,
  /** Requests each arm must have had (the baseline's is not asked for at share 1). */
  minRequests: Count,
}).annotate({ identifier: "CanaryStep" });
export type CanaryStep = typeof CanaryStep.Type;

const halfAnHour = { holdSeconds: 1_800, minRequests: 100 };
const stepsAscend = Schema.makeFilter<ReadonlyArray<CanaryStep>>(
  (steps) =>
    (steps.every((step, i) => i === 0 || step.share > (steps[i - 1]?.share ?? 0)) && steps.at(-1)?.share === 1) ||
    "steps whose share rises from one to the next and ends at 1",
);

export const CanaryPolicy = group({
  steps: withDefault(Schema.Array(CanaryStep).check(Schema.isMinLength(1), Schema.isMaxLength(20), stepsAscend), [
    { share: 0.01, ...halfAnHour },
    { share: 0.05, ...halfAnHour },
    { share: 0.25, ...halfAnHour },
    { share: 1, ...halfAnHour },
  ]),
  /** One false-alarm budget for the whole rollout. */
  alpha: withDefault(Probability, 0.01),
  /** Length of the windows that are judged once closed. */
  windowSeconds: withDefault(PositiveCount, 60),
  /** A step that waits longer than this beyond its hold, for whatever reason, is rolled back. */
  holdDeadlineSeconds: withDefault(Positive, 14_400),
  /** Time every live gateway has to acknowledge a pin before it is named as missing. */
  mitigationDeadlineSeconds: withDefault(Positive, 60),
  /** A candidate unwatched for longer than this loses its traffic. */
  maxUnwatchedSeconds: withDefault(Positive, 120),
  sampleRatioAlpha: withDefault(Probability, 0.001),
  metrics: group({
    errorRate: rateMetric(null),
    refusalRate: rateMetric(null),
    latencyP95: group({
      onBreach,
      marginOddsRatio: withDefault(Schema.Finite.check(Schema.isGreaterThanOrEqualTo(1)), 1),
      weight: withDefault(NonNegative, 1),
      ceilingMs: withDefault(Schema.NullOr(Positive), null),
    }),
    quality: group({
      onBreach,
      margin: withDefault(Ratio, 0),
      weight: withDefault(NonNegative, 1),
      /** Share of each arm's responses that are judged. */
      sampleRate: withDefault(Ratio, 0.1),
    }),
  }),
  safetyProbes: withDefault(
    Schema.NullOr(
      Schema.Struct({
        /** Artifact with one safety probe a line (see `SafetyProbe`). */
        set: Digest,
        perMinute: Positive,
        /** A failed probe is sent this many times more; it counts when every one fails. */
        confirmations: Count,
      }),
    ),
    null,
  ),
});

/** Thresholds, steps, holds and metrics of an application; its digest is on every decision. */
export const Policy = Schema.Struct({
  version: withDefault(Schema.Literal(1), 1),
  offline: OfflinePolicy,
  judge: withDefault(JudgeSpecification, defaultJudge),
  shadow: ShadowPolicy,
  canary: CanaryPolicy,
  /** What happens to a request while another release is active. */
  whileActive: withDefault(Schema.Literals(["queue", "reject", "supersede"]), "queue"),
}).annotate({ identifier: "Policy" });
export type Policy = typeof Policy.Type;

export const policyDigest = (policy: Policy): Digest => digestOf(policy);
