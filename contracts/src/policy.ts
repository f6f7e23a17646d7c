import * as Schema from "effect/Schema";
import { canonicalJson, digestOf } from "./digest.ts";
import { FreezeWindow } from "./freeze-window.ts";
import { defaultJudge, JudgeSpecification } from "./judge.ts";
import { Count, Digest, NonNegative, Positive, PositiveCount, Probability, Ratio } from "./primitives.ts";
import { group, setting } from "./setting.ts";

const RuleMode = Schema.Literals(["enforce", "warn", "off"]);

/** The offline gate (design §2). The defaults are the design's rules to the letter. */
export const OfflinePolicy = group("The offline gate: paired results of both bundles on the same cases.", {
  safety: setting(RuleMode, "enforce", "No safety case that the baseline passes may fail on the candidate."),
  slices: setting(RuleMode, "enforce", "No slice may be down by more than `sliceSigmas` standard errors."),
  headline: setting(RuleMode, "enforce", "The mean over all but the safety cases may not be down at `headlineAlpha`."),
  sliceSigmas: setting(
    Positive,
    2,
    "A slice is down when its mean paired difference lies this many standard errors below 0.",
  ),
  sliceCorrection: setting(
    Schema.Literals(["none", "holm", "bh"]),
    "none",
    "Correction of the slices' p-values for their number.",
  ),
  headlineAlpha: setting(Probability, 0.05, "One-sided level of the headline test."),
  minCases: setting(PositiveCount, 10, "Fewer usable cases than this is inconclusive."),
  maxErrorShare: setting(
    Ratio,
    0.02,
    "Above this share of cases with a judge or runner error the evidence is invalid.",
  ),
  maxEvidenceAgeSeconds: setting(
    Positive,
    7 * 86_400,
    "Evidence older than this at the time of the request is invalid.",
  ),
});

/** What a judge must have shown before it decides. `sluice judge calibrate --record` makes the artifact. */
export const JudgeTrustPolicy = group("Whether the judge has been compared with people, and what it may do without.", {
  calibration: setting(
    Schema.NullOr(Digest),
    null,
    "Artifact with the judge's calibration; null: nobody has compared it with people.",
  ),
  uncalibrated: setting(
    Schema.Literals(["enforce", "report-only"]),
    "enforce",
    "What the judge may do without a calibration that holds, in shadow and canary: decide as any other, or only be reported.",
  ),
  minKappa: setting(
    Schema.Finite.check(Schema.isBetween({ minimum: -1, maximum: 1 })),
    0.4,
    "A calibration holds from this Cohen's kappa on.",
  ),
});

/** How the gate may be overridden. Whoever weakens it does so in a change of the policy, which is reviewed. */
export const OverridePolicy = group("Forcing a blocked release past the offline gate.", {
  approvals: setting(
    Schema.Literals([1, 2]),
    1,
    "People with the role who must want it: with 2 somebody else has to confirm.",
  ),
  incidentRequired: setting(Schema.Boolean, false, "Whether a link to an incident has to be given."),
  maxDurationSeconds: setting(
    Schema.NullOr(Positive),
    null,
    "An override ends at the latest so long after it was given; null: only when its author said so.",
  ),
});

export const ShadowPolicy = group(
  "The shadow: requests are mirrored, both responses are judged, users see the baseline's.",
  {
    sampleRate: setting(Ratio, 1, "Share of the baseline's requests that are mirrored."),
    minDurationSeconds: setting(NonNegative, 3_600, "The shadow runs at least this long (see `enough`)."),
    minRequests: setting(Count, 10_000, "Or until this many requests were mirrored (see `enough`)."),
    enough: setting(
      Schema.Literals(["either", "both"]),
      "either",
      "Whether one of duration and requests is enough, or both are needed.",
    ),
    minPairs: setting(PositiveCount, 200, "Judged pairs without which the shadow never passes."),
    alpha: setting(Probability, 0.01, "Level of the sequential test: it may be looked at as often as one likes."),
    margin: setting(Ratio, 0, "A drop of the mean score up to this size is tolerated."),
    maxErrorShare: setting(
      Ratio,
      0.02,
      "Above this share of pairs that the judge could not score nothing is concluded.",
    ),
    deadlineSeconds: setting(Positive, 86_400, "Without enough pairs by then the shadow is inconclusive."),
    payloadSampleRate: setting(
      Ratio,
      1,
      "Share of the pairs whose redacted texts are kept for people to look at; 0 keeps none.",
    ),
    /** Bounds of the mirror: they protect the user's path and the budget. */
    concurrency: setting(PositiveCount, 16, "Mirrored calls of one gateway at a time."),
    queueLimit: setting(PositiveCount, 1_000, "Mirrored calls that may wait; more are dropped and counted."),
    timeoutMs: setting(PositiveCount, 60_000, "A mirrored call that takes longer is an error of the candidate."),
  },
);

const onBreach = setting(
  Schema.Literals(["rollback", "hold", "warn"]),
  "rollback",
  "What a breach of this metric does: roll back, hold until the deadline, or only tell.",
);
const mode = setting(
  Schema.Literals(["enforce", "warn"]),
  "enforce",
  "`warn` tries a metric out: it is judged and told like any other, and never decides, whatever `onBreach` says.",
);
const weight = setting(NonNegative, 1, "Weight of this metric in the combined test.");
const marginOddsRatio = setting(
  Schema.Finite.check(Schema.isGreaterThanOrEqualTo(1)),
  1,
  "Tolerated ratio of the arms' odds (1: none worse).",
);
const rateMetric = (rate: string, mustDetect: number) =>
  group(`${rate}, compared within each window.`, {
    mode,
    onBreach,
    direction: setting(
      Schema.Literals(["increase", "decrease", "either"]),
      "increase",
      "Which change is for the worse: a candidate that refuses less may be one that refuses too little.",
    ),
    marginOddsRatio,
    weight,
    ceiling: setting(
      Schema.NullOr(Ratio),
      null,
      "Breached when the candidate's rate is surely above this, whatever the baseline does.",
    ),
    mustDetect: setting(
      Schema.NullOr(Ratio),
      mustDetect,
      "The increase of the rate that the rollout must be able to see (`forecast`); null asks for nothing.",
    ),
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

export const CanaryPolicy = group("The canary: a growing share of users, checked continuously.", {
  steps: setting(
    Schema.Array(CanaryStep).check(stepsAscend, Schema.isMinLength(1), Schema.isMaxLength(20)),
    [
      { share: 0.01, ...halfAnHour },
      { share: 0.05, ...halfAnHour },
      { share: 0.25, ...halfAnHour },
      { share: 1, ...halfAnHour },
    ],
    "Rising shares of users, the last one 1.",
  ),
  finalHoldback: setting(
    Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 0.5 })),
    0,
    "Share of users who stay on the baseline at the last step, as what it is compared with; then all get the candidate.",
  ),
  alpha: setting(Probability, 0.01, "One false-alarm budget for the whole rollout."),
  windowSeconds: setting(PositiveCount, 60, "Length of the windows, which are judged once closed."),
  holdDeadlineSeconds: setting(
    Positive,
    14_400,
    "A step that waits longer than this beyond its hold, for whatever reason, is rolled back.",
  ),
  mitigationDeadlineSeconds: setting(
    Positive,
    60,
    "Time every live gateway has to acknowledge a pin before it is named as missing.",
  ),
  maxUnwatchedSeconds: setting(Positive, 120, "A candidate unwatched for longer than this loses its traffic."),
  sampleRatioAlpha: setting(Probability, 0.001, "Level of the test that users are split as they should be."),
  metrics: group("Checks of the candidate against the baseline in the same windows.", {
    errorRate: rateMetric("Share of requests that fail", 0.05),
    refusalRate: rateMetric("Share of answers that refuse", 0.1),
    latencyP95: group("Share of answers slower than the baseline's quantile of earlier windows.", {
      mode,
      onBreach,
      marginOddsRatio,
      weight,
      ceilingMs: setting(Schema.NullOr(Positive), null, "Breached when the candidate's p95 is surely above this."),
      mustDetect: setting(
        Schema.NullOr(Schema.Finite.check(Schema.isGreaterThan(1))),
        2,
        "The ratio of latencies that the rollout must be able to see (`forecast`); null asks for nothing.",
      ),
    }),
    quality: group("Mean judge score of sampled live answers.", {
      mode,
      onBreach,
      margin: setting(Ratio, 0, "A drop of the mean score up to this size is tolerated."),
      weight,
      floor: setting(
        Schema.NullOr(Ratio),
        null,
        "Breached when the candidate's mean score is surely below this, whatever the baseline does.",
      ),
      mustDetect: setting(
        Schema.NullOr(Ratio),
        0.2,
        "The drop of the mean score that the rollout must be able to see (`forecast`); null asks for nothing.",
      ),
      sampleRate: setting(Ratio, 0.1, "Share of each arm's answers that are judged."),
    }),
  }),
  forecast: group("What the rollout will be able to see, told from recent traffic before it starts.", {
    whenUnseen: setting(
      Schema.Literals(["proceed", "extend", "refuse"]),
      "proceed",
      "Where a metric's `mustDetect` cannot be seen: say so, hold the step before the last for longer, or refuse.",
    ),
    recentSeconds: setting(PositiveCount, 86_400, "Traffic of this long before the request is what it is told from."),
    maxHoldSeconds: setting(Positive, 86_400, "`extend` makes no hold longer than this; it refuses instead."),
  }),
  safetyProbes: setting(
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
    "The curated safety set, sent live through the gateway to the candidate; null for none.",
  ),
});

/** Those whom `finalHoldback` keeps on the baseline must leave the last step a larger share than the one before it has. */
const lastStepRises = Schema.makeFilter<{ readonly canary: typeof CanaryPolicy.Type }>(({ canary }) => {
  const before = canary.steps.at(-2)?.share ?? 0;
  return 1 - canary.finalHoldback <= before
    ? `a canary.finalHoldback below ${Number((1 - before).toFixed(6))}, so that the last step has more users than the one before it`
    : true;
});

/** Thresholds, steps, holds and metrics of an application; its digest is on every decision. */
export const Policy = Schema.Struct({
  version: setting(Schema.Literal(1), 1, "Version of the policy format."),
  offline: OfflinePolicy,
  override: OverridePolicy,
  judge: setting(JudgeSpecification, defaultJudge, "Who scores answers, in the shadow and in the canary."),
  judgeTrust: JudgeTrustPolicy,
  shadow: ShadowPolicy,
  canary: CanaryPolicy,
  whileActive: setting(
    Schema.Literals(["queue", "reject", "supersede"]),
    "queue",
    "What happens to a request while another release is active.",
  ),
  freezeWindows: setting(
    Schema.Array(FreezeWindow).check(Schema.isMaxLength(20)),
    [],
    "Recurring times in which no candidate gets more users; rollbacks are exempt.",
  ),
})
  .check(lastStepRises)
  .annotate({
    identifier: "Policy",
    description: "Thresholds, steps, holds and metrics of an application. Every field has a default.",
  });
export type Policy = typeof Policy.Type;

/**
 * Address of a policy. It is taken of the settings that differ from their defaults, which therefore never change: so the
 * digest of a policy on record stays what it was when a later version of Sluice knows one setting more.
 */
export const policyDigest = (policy: Policy): Digest => digestOf(withoutDefaults(policy, defaultPolicy));

const withoutDefaults = (value: unknown, standard: unknown): unknown => {
  if (!isGroup(value) || !isGroup(standard)) return value;
  const kept = Object.entries(value)
    .filter(([name, inner]) => canonicalJson(inner) !== canonicalJson(standard[name] ?? null))
    .map(([name, inner]) => [name, withoutDefaults(inner, standard[name])]);
  return Object.fromEntries(kept);
};

const isGroup = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** What a policy that says nothing means. */
export const defaultPolicy: Policy = Schema.decodeUnknownSync(Policy)({});
