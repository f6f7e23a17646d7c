import * as Schema from "effect/Schema";
import { JudgeReport } from "./judge.ts";
import { Count, Digest, Interval, NonNegative, Probability, Ratio, Text, Timestamp, Verdict } from "./primitives.ts";

const NullableFinite = Schema.NullOr(Schema.Finite);

// ---------------------------------------------------------------- offline gate

/** Where the gate finds the eval results and what they were made of. Results are artifacts, not part of the event. */
export const OfflineEvidence = Schema.Struct({
  evalSet: Digest,
  producedAt: Timestamp,
  baseline: Schema.Struct({ bundle: Digest, results: Digest }),
  candidate: Schema.Struct({ bundle: Digest, results: Digest }),
}).annotate({ identifier: "OfflineEvidence" });
export type OfflineEvidence = typeof OfflineEvidence.Type;

export const GateReason = Schema.Struct({
  rule: Schema.Literals(["safety", "slice", "headline", "errors", "digests", "stale", "cases", "evidence"]),
  /** The slice, for rule `slice`. */
  slice: Schema.optionalKey(Schema.String),
  /** False where policy says `warn`: reported, but not part of the verdict. */
  enforced: Schema.Boolean,
  sentence: Text,
}).annotate({ identifier: "GateReason" });
export type GateReason = typeof GateReason.Type;

export const SliceResult = Schema.Struct({
  slice: Schema.String,
  /** Cases (clusters): repeats of one case are averaged first. */
  n: Count,
  baselineMean: Ratio,
  candidateMean: Ratio,
  difference: Schema.Finite,
  /** Mean difference over its standard error; null with zero spread or a single case. */
  z: NullableFinite,
  method: Schema.Literals(["normal", "student-t", "sign"]),
  interval: Schema.NullOr(Interval),
  pValue: Schema.NullOr(Ratio),
  pHolm: Schema.NullOr(Ratio),
  pBh: Schema.NullOr(Ratio),
  breached: Schema.Boolean,
}).annotate({ identifier: "SliceResult" });
export type SliceResult = typeof SliceResult.Type;

/** What `sluice gate --json` prints and `OfflineGate…` events carry. */
export const GateReport = Schema.Struct({
  verdict: Schema.Literals(["passed", "blocked", "inconclusive", "invalid"]),
  reasons: Schema.Array(GateReason),
  headline: Schema.NullOr(
    Schema.Struct({
      test: Schema.Literals(["mcnemar-exact", "paired-t", "sign-flip"]),
      n: Count,
      baselineMean: Ratio,
      candidateMean: Ratio,
      difference: Schema.Finite,
      interval: Schema.NullOr(Interval),
      /** One-sided: the candidate is worse. */
      pValue: Schema.NullOr(Ratio),
      /** Reported beside the exact p where the results are binary. */
      midP: Schema.NullOr(Ratio),
    }),
  ),
  safety: Schema.Struct({ cases: Count, regressions: Schema.Array(Schema.String) }),
  slices: Schema.Array(SliceResult),
  cases: Schema.Struct({ paired: Count, errors: Count, unpaired: Count }),
  /** Smallest drop of the headline that these cases would show with probability 0.8; null when it cannot be told. */
  minimumDetectableEffect: NullableFinite,
  /** Probability that these rules block a candidate that is exactly as good, on a set like this. */
  expectedFalseBlockRate: Schema.NullOr(Ratio),
  evidence: Schema.NullOr(OfflineEvidence),
}).annotate({ identifier: "GateReport" });
export type GateReport = typeof GateReport.Type;

// ---------------------------------------------------------------- shadow

export const ShadowEvidence = Schema.Struct({
  judge: Digest,
  pairs: Count,
  /** Pairs that the judge could not score; excluded and counted. */
  judgeErrors: Count,
  /** Pairs where the candidate failed and the baseline answered; scored 0. */
  candidateErrors: Count,
  /** Mirrored requests whose pair has been looked at, excluded ones too. */
  requests: Count,
  mirrorDropped: Count,
  startedAt: Timestamp,
  decidedAt: Timestamp,
  baselineMean: NullableFinite,
  candidateMean: NullableFinite,
  meanDifference: NullableFinite,
  interval: Schema.NullOr(Interval),
  method: Schema.String,
  /** Natural logarithm of the e-value against "no worse than the margin". */
  logE: Schema.Finite,
  logThreshold: Schema.Finite,
  alpha: Probability,
  /** Absent in old records and where nothing is known of the judge: it then decided as any other. */
  judgeReport: Schema.optionalKey(JudgeReport),
  /** Artifact with the judged differences in the order they were tested, so that the decision replays. */
  inputs: Digest,
  sentence: Text,
}).annotate({ identifier: "ShadowEvidence" });
export type ShadowEvidence = typeof ShadowEvidence.Type;

/** What the artifact `ShadowEvidence.inputs` holds: with the policy, all that the decision depends on. */
export const ShadowInputs = Schema.Struct({
  kind: Schema.Literal("shadow-inputs"),
  version: Schema.Literal(1),
  judge: Digest,
  startedAt: Timestamp,
  decidedAt: Timestamp,
  pairs: Count,
  judgeErrors: Count,
  candidateErrors: Count,
  requests: Count,
  mirrorDropped: Count,
  judgeReport: Schema.optionalKey(JudgeReport),
  /** Mean scores of one conversation each, baseline and candidate, in the order in which they were tested. */
  scores: Schema.Array(Schema.Tuple([Ratio, Ratio])),
}).annotate({ identifier: "ShadowInputs" });
export type ShadowInputs = typeof ShadowInputs.Type;

// ---------------------------------------------------------------- canary

/** Sparse latency histogram of answered requests: [bin, count], see `latencyBinOf`. */
const LatencyBins = Schema.Array(Schema.Tuple([Schema.Int, Count]));

/** One arm in one closed window, as ClickHouse aggregates it: counts and sums only. */
export const ArmWindow = Schema.Struct({
  requests: Count,
  /**
   * Cluster keys (conversations, users) that were seen in this window for the first time in the step, once its share had
   * settled: over a step's windows they add up to distinct ones, each of which was assigned once.
   */
  conversations: Count,
  errors: Count,
  /** Answered requests whose refusal is known, and those refused. */
  answered: Count,
  refusals: Count,
  latencyBins: LatencyBins,
  /** Scores: one a cluster key, its first judged answer in the step. */
  quality: Schema.Struct({ n: Count, sum: NonNegative, sumSquares: NonNegative }),
  /** Requests whose served digest was not the arm's. */
  wrongDigest: Count,
  /**
   * What error rate, refusal rate and latency are compared on: each cluster key once, by its first request on the arm in the
   * step, in the window where that ended. Absent where every request counts (each was a cluster of its own).
   */
  units: Schema.optionalKey(
    Schema.Struct({ n: Count, errors: Count, answered: Count, refusals: Count, latencyBins: LatencyBins }),
  ),
}).annotate({ identifier: "ArmWindow" });
export type ArmWindow = typeof ArmWindow.Type;
/** The counts of an arm that its rates and its latency are taken from. */
export type UnitCounts = NonNullable<ArmWindow["units"]>;

export const CanaryWindow = Schema.Struct({
  /** Start of the window; its end is `from` plus the policy's `windowSeconds`. */
  from: Timestamp,
  step: Count,
  share: Ratio,
  baseline: ArmWindow,
  candidate: ArmWindow,
  probes: Schema.Struct({ sent: Count, failed: Count, confirmed: Schema.Array(Schema.String) }),
}).annotate({ identifier: "CanaryWindow" });
export type CanaryWindow = typeof CanaryWindow.Type;

export const CheckName = Schema.Literals([
  "errorRate",
  "latencyP95",
  "quality",
  "refusalRate",
  "safetyProbes",
  "sampleRatio",
  "servedDigest",
]);
export type CheckName = typeof CheckName.Type;

export const CheckEvidence = Schema.Struct({
  check: CheckName,
  verdict: Verdict,
  onBreach: Schema.Literals(["rollback", "hold", "warn"]),
  /** Only where the metric is tried out: then the verdict decides nothing, whatever `onBreach` says. */
  mode: Schema.optionalKey(Schema.Literal("warn")),
  method: Schema.String,
  baseline: Schema.Struct({ n: Count, value: NullableFinite }),
  candidate: Schema.Struct({ n: Count, value: NullableFinite }),
  /** Candidate minus baseline, in the metric's own unit. */
  difference: NullableFinite,
  interval: Schema.NullOr(Interval),
  logE: NullableFinite,
  sentence: Text,
}).annotate({ identifier: "CheckEvidence" });
export type CheckEvidence = typeof CheckEvidence.Type;

/** A pure function of the policy and of all windows of the release; so it replays to the same bytes. */
export const CanaryEvidence = Schema.Struct({
  step: Count,
  /** From the start of the first judged window of this step to the end of the last. */
  window: Schema.Struct({ from: Timestamp, to: Timestamp }),
  /** Windows of this step that the decision used; earlier steps' are on their own events. */
  windows: Schema.Array(CanaryWindow),
  requests: Schema.Struct({ baseline: Count, candidate: Count }),
  checks: Schema.Array(CheckEvidence),
  /** The false-alarm budget of the whole rollout: breach at logE >= logThreshold. */
  combined: Schema.Struct({ logE: Schema.Finite, logThreshold: Schema.Finite, alpha: Probability }),
  /** Whether the baseline was measured beside the candidate (not so at share 1 without a holdback). */
  concurrentBaseline: Schema.Boolean,
  /** Absent in old records and where policy asks nothing of its judge. `orders` is null: live answers are judged one by one. */
  judgeReport: Schema.optionalKey(JudgeReport),
  sentence: Text,
}).annotate({ identifier: "CanaryEvidence" });
export type CanaryEvidence = typeof CanaryEvidence.Type;

// ---------------------------------------------------------------- forecast

export const MetricForecast = Schema.Struct({
  check: CheckName,
  /** Of the recent traffic: a rate, a p95 in milliseconds, or a mean score. */
  baseline: Schema.Finite,
  /**
   * By the end of each step the smallest rate, ratio of latencies or drop of the mean score that is found with probability
   * 0.8, when it is there from the start; null where not even the largest is.
   */
  detectable: Schema.Array(NullableFinite),
  /** By policy, in the unit of `detectable`; null where policy asks for nothing. */
  mustDetect: NullableFinite,
  /** Whether the steps with a baseline can show what they must. */
  seen: Schema.Boolean,
  sentence: Text,
}).annotate({ identifier: "MetricForecast" });
export type MetricForecast = typeof MetricForecast.Type;

/** What a rollout will be able to see, told from the application's recent traffic when the release is requested. */
export const CanaryForecast = Schema.Struct({
  /** `unknown`: the traffic could not be asked for. `extended`: seen, because a hold was made longer. */
  outcome: Schema.Literals(["seen", "unseen", "extended", "unknown"]),
  traffic: Schema.NullOr(Schema.Struct({ from: Timestamp, to: Timestamp, requestsPerMinute: NonNegative })),
  /** How long each step will last (its hold, or until the candidate has had its requests), and whether it will have them in time. */
  steps: Schema.Array(Schema.Struct({ share: Ratio, minutes: NonNegative, enoughRequests: Schema.Boolean })),
  metrics: Schema.Array(MetricForecast),
  /** The hold that was made longer, and the policy as it was asked for: the release's own has the longer hold. */
  extended: Schema.NullOr(
    Schema.Struct({ step: Count, fromSeconds: NonNegative, toSeconds: NonNegative, requestedPolicy: Digest }),
  ),
  sentence: Text,
}).annotate({ identifier: "CanaryForecast" });
export type CanaryForecast = typeof CanaryForecast.Type;
