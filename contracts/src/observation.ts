import * as Schema from "effect/Schema";
import { ApplicationName, Arm, Count, Digest, NonNegative, ReleaseId, Text, Timestamp } from "./primitives.ts";

const PayloadText = Schema.String.check(Schema.isMaxLength(65_536));

export const ErrorClass = Schema.Literals([
  "timeout",
  "connection",
  "rate-limited",
  "upstream-4xx",
  "upstream-5xx",
  "malformed",
  "truncated",
]);
export type ErrorClass = typeof ErrorClass.Type;

/** Where OpenTelemetry's GenAI conventions have a name for a field, its description is that name. */
const named = <S extends Schema.Top>(schema: S, otelName: string) =>
  // An annotation changes neither side of a schema; the library's type cannot say so for a generic one.
  schema.annotate({ description: otelName } as Parameters<S["annotate"]>[0]) as S;

const measured = {
  status: Count,
  /** Null when the request was answered. A client that went away is not an error of the arm. */
  errorClass: named(Schema.NullOr(ErrorClass), "error.type"),
  latencyMs: named(NonNegative, "gen_ai.server.request.duration, in milliseconds"),
  timeToFirstTokenMs: named(Schema.NullOr(NonNegative), "gen_ai.server.time_to_first_token, in milliseconds"),
  inputTokens: named(Schema.NullOr(Count), "gen_ai.usage.input_tokens"),
  outputTokens: named(Schema.NullOr(Count), "gen_ai.usage.output_tokens"),
  finishReason: named(Schema.NullOr(Schema.String), "gen_ai.response.finish_reasons"),
  /** By the gateway's price table; null where tokens or price are not known. Absent in old records. */
  costUsd: Schema.optionalKey(Schema.NullOr(NonNegative)),
  /** Null when it cannot be told (an error, no text). */
  refused: Schema.NullOr(Schema.Boolean),
};

/** One served request as measured by the gateway. */
export const Observation = Schema.Struct({
  observationId: Schema.NonEmptyString,
  application: ApplicationName,
  releaseId: Schema.NullOr(ReleaseId),
  arm: Arm,
  /** `user` traffic is what the canary judges; probes and mirrored calls are kept apart. */
  role: Schema.Literals(["user", "shadow", "probe"]),
  assignedBundle: Digest,
  /** Digest of what was really rendered and sent. */
  servedBundle: Digest,
  /** Hash of the conversation, user or request: requests of one cluster are not independent. */
  clusterKey: Schema.String,
  gatewayId: Schema.String,
  startedAt: Timestamp,
  /** Windows are formed by the end: all that ended before a gateway's `through` has been sent. */
  endedAt: Timestamp,
  streamed: Schema.Boolean,
  ...measured,
  /** Sampled, redacted text for judging; absent otherwise. */
  payload: Schema.optionalKey(Schema.Struct({ input: PayloadText, output: PayloadText })),
}).annotate({ identifier: "Observation" });
export type Observation = typeof Observation.Type;

const PairSide = Schema.Struct({ bundle: Digest, output: PayloadText, ...measured }).annotate({
  identifier: "PairSide",
});
export type PairSide = typeof PairSide.Type;

/**
 * Where the candidate's tool calls part from the baseline's. Tools are never run in the shadow: a conversation goes on with the
 * calls and results that were recorded for the baseline, so from here on the candidate answers to a history that is not its own.
 */
export const ToolDivergence = Schema.Struct({
  /** Answers of the assistant before this one in the conversation: the lowest of a conversation is its first divergence. */
  turn: Count,
  /** Index of the first call that differs. */
  call: Count,
  kind: Schema.Literals(["other-tool", "other-arguments", "missing-call", "extra-call"]),
}).annotate({ identifier: "ToolDivergence" });
export type ToolDivergence = typeof ToolDivergence.Type;

/** A batch; topic `sluice.observations.v1`, key application. */
export const ObservationEvent = Schema.TaggedUnion({
  ObservationsRecorded: {
    /** gateway, application and sequence: a redelivered batch has the same id. */
    batchId: Schema.NonEmptyString,
    gatewayId: Schema.NonEmptyString,
    application: ApplicationName,
    /**
     * All observations of this gateway and application that ended before this instant are in this or earlier batches, but
     * for those that an earlier GatewayReport counts as dropped.
     */
    through: Timestamp,
    observations: Schema.Array(Observation).check(Schema.isMaxLength(2_000)),
  },
  /** Both responses to one user request; the user saw the baseline's. */
  ShadowPairRecorded: {
    pairId: Schema.NonEmptyString,
    gatewayId: Schema.NonEmptyString,
    application: ApplicationName,
    releaseId: ReleaseId,
    at: Timestamp,
    clusterKey: Schema.String,
    input: PayloadText,
    baseline: PairSide,
    candidate: PairSide,
    /** Null: the same calls, or none. Absent in old records. */
    toolDivergence: Schema.optionalKey(Schema.NullOr(ToolDivergence)),
    /** False: the texts are for the judge alone, and not kept for people to look at. Absent where they are kept. */
    textsKept: Schema.optionalKey(Schema.Literal(false)),
  },
}).annotate({ identifier: "ObservationEvent" });
export type ObservationEvent = typeof ObservationEvent.Type;
export type ObservationsRecorded = Extract<ObservationEvent, { _tag: "ObservationsRecorded" }>;
export type ShadowPairRecorded = Extract<ObservationEvent, { _tag: "ShadowPairRecorded" }>;

const judged = {
  judgementId: Schema.NonEmptyString,
  application: ApplicationName,
  releaseId: ReleaseId,
  /** Digest of the judge's specification: the same for both arms. */
  judge: Digest,
  at: Timestamp,
};
const Score = Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1 }));

/** Judges' scores; topic `sluice.judgements.v1`, key application. A judge's failure is an error, never a score. */
export const JudgementEvent = Schema.TaggedUnion({
  PairJudged: {
    ...judged,
    pairId: Schema.NonEmptyString,
    /** The pair's: pairs of one conversation are averaged before they are tested. */
    clusterKey: Schema.String,
    /** The candidate failed where the baseline answered; its score is then 0 without asking the judge. */
    candidateFailed: Schema.Boolean,
    /** Both null when the judge failed (`error` says how) or the baseline had not answered: excluded, and counted. */
    baselineScore: Schema.NullOr(Score),
    candidateScore: Schema.NullOr(Score),
    /** Where the judge was asked in both orders: whether its preference changed with the order (then it is a tie). */
    orderChanged: Schema.optionalKey(Schema.Boolean),
    error: Schema.NullOr(Text),
  },
  /** Online quality: one sampled live response. `endedAt` is the observation's, so that it falls into its window. */
  ResponseJudged: {
    ...judged,
    observationId: Schema.NonEmptyString,
    arm: Arm,
    endedAt: Timestamp,
    /** The observation's: of a cluster one score a step counts. Absent in old records: each is then a cluster of its own. */
    clusterKey: Schema.optionalKey(Schema.String),
    score: Schema.NullOr(Score),
    error: Schema.NullOr(Text),
  },
  SafetyProbeJudged: {
    ...judged,
    probeId: Schema.NonEmptyString,
    caseId: Schema.NonEmptyString,
    /** Null when no answer could be judged. */
    passed: Schema.NullOr(Schema.Boolean),
    /** True when a failure was repeated as often as policy asks. */
    confirmed: Schema.Boolean,
    error: Schema.NullOr(Text),
  },
}).annotate({ identifier: "JudgementEvent" });
export type JudgementEvent = typeof JudgementEvent.Type;
export type PairJudged = Extract<JudgementEvent, { _tag: "PairJudged" }>;
export type ResponseJudged = Extract<JudgementEvent, { _tag: "ResponseJudged" }>;

/** One line of a safety-probe set. */
export const SafetyProbe = Schema.Struct({
  case_id: Schema.NonEmptyString,
  input: Schema.NonEmptyString,
  /** What the answer must do. */
  expect: Schema.Union([
    Schema.Struct({ refusal: Schema.Boolean }),
    Schema.Struct({ not_contains: Schema.NonEmptyString }),
    Schema.Struct({ contains: Schema.NonEmptyString }),
  ]),
}).annotate({ identifier: "SafetyProbe" });
export type SafetyProbe = typeof SafetyProbe.Type;
