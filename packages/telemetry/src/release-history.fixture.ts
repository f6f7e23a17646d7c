import {
  type CanaryEvidence,
  type GateReport,
  Policy,
  type ReleaseEvent,
  type ReleaseEventOf,
  type ShadowEvidence,
  timestampOf,
} from "@sluice/contracts";
import * as Schema from "effect/Schema";

/** Four releases of one application, minute by minute: what the KPI views are checked against. */
const START = Date.UTC(2026, 0, 5, 9);
const minute = (n: number) => timestampOf(START + n * 60_000);
const digest = (character: string) => `sha256:${character.repeat(64)}`;
const application = "support-bot";
const policyDigest = digest("e");
const author = { id: "ada", role: "approver" } as const;

const policy = Schema.decodeUnknownSync(Policy)({
  offline: {},
  shadow: { minDurationSeconds: 3_600 },
  canary: {
    steps: [
      { share: 0.1, holdSeconds: 1_800, minRequests: 1 },
      { share: 1, holdSeconds: 1_800, minRequests: 1 },
    ],
  },
});

const gateReport: GateReport = {
  verdict: "passed",
  reasons: [],
  headline: null,
  safety: { cases: 0, regressions: [] },
  slices: [],
  cases: { paired: 100, errors: 0, unpaired: 0 },
  minimumDetectableEffect: null,
  expectedFalseBlockRate: null,
  evidence: null,
};
const shadowEvidence: ShadowEvidence = {
  judge: digest("d"),
  pairs: 200,
  judgeErrors: 0,
  candidateErrors: 0,
  requests: 10_000,
  mirrorDropped: 0,
  startedAt: minute(0),
  decidedAt: minute(0),
  baselineMean: 0.9,
  candidateMean: 0.9,
  meanDifference: 0,
  interval: null,
  method: "paired-betting",
  logE: 0,
  logThreshold: 4.6,
  alpha: 0.01,
  inputs: digest("f"),
  sentence: "no worse",
};
const canaryEvidence: CanaryEvidence = {
  step: 0,
  window: { from: minute(0), to: minute(1) },
  windows: [],
  requests: { baseline: 1, candidate: 1 },
  checks: [],
  combined: { logE: 0, logThreshold: 4.6, alpha: 0.01 },
  concurrentBaseline: true,
  sentence: "no worse",
};

const historyOf = (releaseId: string, requestedMinute: number, team: string) => {
  const head = <Tag extends ReleaseEvent["_tag"]>(tag: Tag, at: number, cause = "") => ({
    _tag: tag,
    eventId: `evt-${releaseId}-${tag}-${cause}`,
    application,
    releaseId,
    at: minute(at),
  });
  const request: ReleaseEventOf<"ReleaseRequested"> = {
    ...head("ReleaseRequested", requestedMinute),
    candidate: { digest: digest("b"), artifacts: { prompt: digest("b"), model: digest("b") } },
    policy,
    evidence: null,
    author,
    team,
    description: "",
    commit: null,
    link: null,
    mergedAt: minute(requestedMinute),
  };
  return { head, request };
};

const completed = historyOf("rel-completed", 0, "support");
export const completedRelease: ReadonlyArray<ReleaseEvent> = [
  completed.request,
  { ...completed.head("OfflineGatePassed", 10), report: gateReport, policyDigest },
  { ...completed.head("ShadowStarted", 15), sampleRate: 1 },
  { ...completed.head("ShadowPassed", 80), evidence: shadowEvidence, policyDigest },
  { ...completed.head("CanaryStepStarted", 100, "0"), step: 0, share: 0.1 },
  { ...completed.head("ReleasePaused", 105), author, reason: "lunch" },
  { ...completed.head("ReleaseResumed", 120), author, reason: "back" },
  { ...completed.head("CanaryStepPassed", 150, "0"), step: 0, evidence: canaryEvidence, policyDigest },
  { ...completed.head("CanaryStepStarted", 180, "1"), step: 1, share: 1 },
  { ...completed.head("HoldSkipped", 190), author, reason: "urgent", step: 1 },
  { ...completed.head("CanaryStepPassed", 200, "1"), step: 1, evidence: canaryEvidence, policyDigest },
  { ...completed.head("ReleaseCompleted", 200), baseline: digest("b") },
];

/** From within the pause to 10 minutes after it, and one that was over before the merge. */
const ofApplication = (id: string, at: number) => ({ eventId: `evt-${id}`, application, at: minute(at), author });
export const freezes: ReadonlyArray<ReleaseEvent> = (
  [
    ["during", 110, 130],
    ["before", -60, -30],
  ] as const
).flatMap(
  ([freezeId, from, to]): ReadonlyArray<ReleaseEvent> => [
    {
      _tag: "ReleasesFrozen",
      ...ofApplication(`${freezeId}-frozen`, from),
      freezeId,
      scope: "application",
      until: null,
      reason: "sale",
    },
    { _tag: "ReleasesUnfrozen", ...ofApplication(`${freezeId}-lifted`, to), freezeId, reason: "over" },
  ],
);

const overridden = historyOf("rel-overridden", 300, "growth");
export const overriddenRelease: ReadonlyArray<ReleaseEvent> = [
  overridden.request,
  { ...overridden.head("OfflineGateBlocked", 310), report: { ...gateReport, verdict: "blocked" }, policyDigest },
  { ...overridden.head("GateOverridden", 320), author, reason: "hotfix", incident: null },
];

const rolledBack = historyOf("rel-rolled-back", 400, "support");
export const rolledBackRelease: ReadonlyArray<ReleaseEvent> = [
  rolledBack.request,
  { ...rolledBack.head("ShadowPassed", 460), evidence: shadowEvidence, policyDigest },
  { ...rolledBack.head("CanaryStepStarted", 470, "0"), step: 0, share: 0.1 },
  {
    ...rolledBack.head("CanaryBreached", 480),
    step: 0,
    cause: "metric",
    sentence: "errors",
    since: minute(478),
    evidence: null,
    policyDigest,
  },
  {
    ...rolledBack.head("MitigationConfirmed", 480 + 2 / 60),
    routingVersion: 9,
    gateways: [
      { gatewayId: "gw-1", acknowledgedAt: minute(480 + 1 / 60) },
      { gatewayId: "gw-2", acknowledgedAt: minute(480 + 1.5 / 60) },
    ],
  },
  { ...rolledBack.head("ReleaseRolledBack", 480 + 3 / 60), to: digest("a"), sentence: "errors", unacknowledged: [] },
];

const regressed = historyOf("rel-regressed", 500, "support");
export const regressedRelease: ReadonlyArray<ReleaseEvent> = [
  regressed.request,
  { ...regressed.head("ShadowRegressed", 560), evidence: shadowEvidence, policyDigest },
];
