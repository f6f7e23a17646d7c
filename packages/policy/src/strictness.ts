import type { CanaryStep, Policy } from "@sluice/contracts";

/**
 * How to tell which of two values of a setting is the looser one. `higher` and `lower` say which end is strict; a value of
 * null, which sets no bound, is loosest. A list goes from loosest to strictest. `free` settings make nothing looser.
 */
export type Order<Value> =
  | "free"
  | "higher"
  | "lower"
  | ReadonlyArray<Value>
  | ((value: Value, floor: Value) => boolean);

type Leaf = string | number | boolean | null | ReadonlyArray<unknown> | { readonly kind: string };

/** One order for each setting of a policy: the types demand it of every new one. */
export type Strictness<Settings> = {
  readonly [Name in keyof Settings]-?: Settings[Name] extends Leaf
    ? Order<Settings[Name]>
    : null extends Settings[Name]
      ? Order<Settings[Name]>
      : Strictness<Settings[Name]>;
};

const ruleMode = ["off", "warn", "enforce"] as const;
const metricMode = ["warn", "enforce"] as const;
const onBreach = ["warn", "hold", "rollback"] as const;
/** A metric without weight is out of the combined test; how the others share the budget is a matter of taste. */
const weight = (value: number, floor: number) => value === 0 && floor > 0;

const sum = (steps: ReadonlyArray<CanaryStep>, share: number, of: "holdSeconds" | "minRequests") =>
  steps.filter((step) => step.share <= share).reduce((total, step) => total + step[of], 0);

/**
 * A ramp is looser when more users meet the candidate before as much time and as many requests have gone by: at each share
 * of the floor, everything up to it counts together.
 */
const looserSteps = (steps: ReadonlyArray<CanaryStep>, floor: ReadonlyArray<CanaryStep>): boolean =>
  (steps[0]?.share ?? 1) > (floor[0]?.share ?? 1) ||
  floor.some(
    ({ share }) =>
      sum(steps, share, "holdSeconds") < sum(floor, share, "holdSeconds") ||
      sum(steps, share, "minRequests") < sum(floor, share, "minRequests"),
  );

type Probes = Policy["canary"]["safetyProbes"];
const looserProbes = (probes: Probes, floor: Probes): boolean =>
  floor !== null &&
  (probes === null || probes.perMinute < floor.perMinute || probes.confirmations > floor.confirmations);

type Freezes = Policy["freezeWindows"];
/** Every window of the floor is kept, under whatever name; more of them are stricter. */
const looserFreezes = (windows: Freezes, floor: Freezes): boolean =>
  floor.some(
    ({ from, until, timeZone }) =>
      !windows.some((one) => one.from === from && one.until === until && one.timeZone === timeZone),
  );

/** Looking both ways sees what looking one way does. */
const direction = <Way>(value: Way | "either", floor: Way | "either") => value !== floor && value !== "either";

const unnamed = (value: string | null, floor: string | null) => value === null && floor !== null;

const metric = { mode: metricMode, onBreach, weight, mustDetect: "lower" } as const;
const rate = { ...metric, direction, marginOddsRatio: "lower", ceiling: "lower" } as const;

/** Which way each setting of a policy is strict. A level (alpha) is stricter when it is higher: more is found and stopped. */
export const policyStrictness: Strictness<Policy> = {
  version: "free",
  offline: {
    safety: ruleMode,
    slices: ruleMode,
    headline: ruleMode,
    sliceSigmas: "lower",
    sliceCorrection: ["holm", "bh", "none"],
    headlineAlpha: "higher",
    minCases: "higher",
    maxErrorShare: "lower",
    maxEvidenceAgeSeconds: "lower",
  },
  override: { approvals: "higher", incidentRequired: [false, true], maxDurationSeconds: "lower" },
  judge: "free",
  // A judge that may only report stops nothing.
  judgeTrust: { calibration: unnamed, uncalibrated: ["report-only", "enforce"], minKappa: "lower" },
  shadow: {
    sampleRate: "higher",
    minDurationSeconds: "higher",
    minRequests: "higher",
    enough: ["either", "both"],
    minPairs: "higher",
    alpha: "higher",
    margin: "lower",
    maxErrorShare: "lower",
    deadlineSeconds: "free",
    // Who keeps fewer texts protects those who wrote them; no decision rests on them.
    payloadSampleRate: "free",
    concurrency: "free",
    queueLimit: "free",
    timeoutMs: "free",
  },
  canary: {
    steps: looserSteps,
    finalHoldback: "higher",
    alpha: "higher",
    windowSeconds: "free",
    holdDeadlineSeconds: "lower",
    mitigationDeadlineSeconds: "lower",
    maxUnwatchedSeconds: "lower",
    sampleRatioAlpha: "higher",
    metrics: {
      errorRate: rate,
      refusalRate: rate,
      latencyP95: { ...metric, marginOddsRatio: "lower", ceilingMs: "lower" },
      quality: { ...metric, margin: "lower", floor: "higher", sampleRate: "higher" },
    },
    forecast: { whenUnseen: ["proceed", "extend", "refuse"], recentSeconds: "free", maxHoldSeconds: "free" },
    safetyProbes: looserProbes,
  },
  whileActive: "free",
  freezeWindows: looserFreezes,
};
