import {
  type Author,
  type BundleReference,
  type CanaryEvidence,
  type Digest,
  digestOf,
  type GateReport,
  Policy,
  policyDigest,
  type ReleaseEvent,
  type ReleaseEventOf,
  type ReleaseEventType,
  type Role,
  type ShadowEvidence,
  timestampOf,
} from "@sluice/contracts";
import * as Schema from "effect/Schema";
import type { ReleaseCommand } from "../command.ts";
import { eventIdOf } from "../event-id.ts";

/** Sample values for the tests of everything that folds the log: the smallest that are legal, and real digests. */
export const application = "support-bot";

/** An instant `seconds` after the start of the samples' time. */
export const at = (seconds: number): string => timestampOf(Date.UTC(2026, 0, 31, 9, 0, 0) + seconds * 1_000);

export const bundle = (name: string): BundleReference => {
  const artifacts = { prompt: digestOf(`prompt ${name}`), model: digestOf("model") };
  return { digest: digestOf(artifacts), artifacts };
};

export const author = (role: Role = "operator"): Author => ({ id: `${role}@example.org`, role });

export const policyWith = (whileActive: Policy["whileActive"]): Policy =>
  Schema.decodeUnknownSync(Policy)({
    whileActive,
    canary: {
      steps: [
        { share: 0.01, holdSeconds: 60, minRequests: 10 },
        { share: 0.25, holdSeconds: 60, minRequests: 10 },
        { share: 1, holdSeconds: 60, minRequests: 10 },
      ],
    },
  });
export const policy = policyWith("queue");
const policyDigestOfSamples = policyDigest(policy);

export const gateReport = (verdict: GateReport["verdict"]): GateReport => ({
  verdict,
  reasons: verdict === "passed" ? [] : [{ rule: "evidence", enforced: true, sentence: `the evidence is ${verdict}` }],
  headline: null,
  safety: { cases: 0, regressions: [] },
  slices: [],
  cases: { paired: 200, errors: 0, unpaired: 0 },
  minimumDetectableEffect: null,
  expectedFalseBlockRate: null,
  evidence: null,
});

export const shadowEvidence: ShadowEvidence = {
  judge: digestOf("judge"),
  pairs: 400,
  judgeErrors: 0,
  candidateErrors: 0,
  requests: 10_000,
  mirrorDropped: 0,
  startedAt: at(0),
  decidedAt: at(60),
  baselineMean: 0.8,
  candidateMean: 0.8,
  meanDifference: 0,
  interval: null,
  method: "betting",
  logE: 0,
  logThreshold: Math.log(200),
  alpha: 0.01,
  inputs: digestOf([]),
  sentence: "no regression in 400 pairs",
};

export const canaryEvidence = (step: number): CanaryEvidence => ({
  step,
  window: { from: at(0), to: at(60) },
  windows: [],
  requests: { baseline: 100, candidate: 100 },
  checks: [],
  combined: { logE: 0, logThreshold: Math.log(100), alpha: 0.01 },
  concurrentBaseline: true,
  sentence: "all checks passed",
});

type Fields<Tag extends ReleaseEventType> = Omit<ReleaseEventOf<Tag>, "_tag" | "eventId" | "application" | "at">;
type Build = { readonly [Tag in ReleaseEventType]: Fields<Tag> };

/** Every event with plain values; `RELEASE` is what a test replaces first. */
export const RELEASE = "rel-1";
const ofRelease = { releaseId: RELEASE };
const byOperator = { author: author(), reason: "seen in the logs" };
const verdict = { ...ofRelease, policyDigest: policyDigestOfSamples };
export const dedupKeyOf = (releaseId: string, of = application) => `sluice/${of}/${releaseId}/breach`;
const page = { ...ofRelease, dedupKey: dedupKeyOf(RELEASE), channel: "webhook" };

const plain: Build = {
  ApplicationRegistered: { baseline: bundle("old"), author: author("admin") },
  ReleaseRequested: {
    ...ofRelease,
    candidate: bundle("new"),
    policy,
    evidence: null,
    author: author("ci"),
    team: "support",
    description: "shorter answers",
    commit: null,
    link: null,
    mergedAt: null,
  },
  OfflineGatePassed: { ...verdict, report: gateReport("passed") },
  OfflineGateBlocked: { ...verdict, report: gateReport("blocked") },
  OfflineGateInconclusive: { ...verdict, report: gateReport("inconclusive") },
  OfflineGateInvalid: { ...verdict, report: gateReport("invalid") },
  GateOverridden: { ...ofRelease, author: author("approver"), reason: "the cases are wrong", incident: null },
  OverrideProposed: { ...ofRelease, author: author("approver"), reason: "the cases are wrong", incident: null },
  OverrideExpired: { ...ofRelease },
  ShadowStarted: { ...ofRelease, sampleRate: 1 },
  ShadowPassed: { ...verdict, evidence: shadowEvidence },
  ShadowRegressed: { ...verdict, evidence: shadowEvidence },
  ShadowInconclusive: { ...verdict, evidence: shadowEvidence },
  CanaryStepStarted: { ...ofRelease, step: 0, share: 0.01 },
  CanaryStepPassed: { ...verdict, step: 0, evidence: canaryEvidence(0) },
  CanaryHeld: { ...verdict, step: 0, cause: "no-data", waitsFor: "observations", until: at(900), evidence: null },
  CanaryHoldEnded: { ...ofRelease, step: 0 },
  CanaryBreached: {
    ...verdict,
    step: 0,
    cause: "metric",
    sentence: "error rate 9 % against 1 %",
    since: at(0),
    evidence: null,
  },
  MitigationConfirmed: { ...ofRelease, routingVersion: 7, gateways: [{ gatewayId: "gw-1", acknowledgedAt: at(70) }] },
  ReleaseRolledBack: {
    ...ofRelease,
    to: bundle("old").digest,
    sentence: "error rate 9 % against 1 %",
    unacknowledged: [],
  },
  ReleaseCompleted: { ...ofRelease, baseline: bundle("new").digest },
  ReleasePaused: { ...ofRelease, ...byOperator },
  ReleaseResumed: { ...ofRelease, ...byOperator },
  HoldSkipped: { ...ofRelease, ...byOperator, step: 0 },
  ReleaseAborted: { ...ofRelease, ...byOperator },
  BaselineRolledBack: { ...byOperator, to: bundle("old").digest },
  PageSent: page,
  PageResolved: page,
  PageUndelivered: { ...ofRelease, dedupKey: dedupKeyOf(RELEASE), sentence: "webhook: no answer within 5000 ms" },
  NoticeSent: { ...ofRelease, dedupKey: `sluice/${application}/${RELEASE}/completed`, channels: ["team"] },
  ReleasesFrozen: { freezeId: "freeze-1", scope: "application", until: at(9_000), ...byOperator },
  ReleasesStopped: { freezeId: "stop-1", scope: "application", ...byOperator },
  ReleasesUnfrozen: { freezeId: "freeze-1", ...byOperator },
  ErasureRequested: {
    erasureId: "erasure-1",
    author: author("admin"),
    reason: "asked for by the user",
    clusterKeys: ["0a1b2c3d4e5f60718293a4b5c6d7e8f9"],
    artifacts: [],
  },
  PayloadsErased: { erasureId: "erasure-1", observations: 3, judgements: 1, artifacts: 0 },
};

export const eventTypes = Object.keys(plain) as ReadonlyArray<ReleaseEventType>;

let serial = 0;
/**
 * An event of the samples with some fields replaced. Two calls make two different events (ids), because a test that wants
 * the same event twice should say so by using one value twice.
 */
export const event = <Tag extends ReleaseEventType>(
  tag: Tag,
  fields: Partial<Omit<ReleaseEventOf<Tag>, "_tag">> = {},
): ReleaseEventOf<Tag> => {
  serial += 1;
  const head = { _tag: tag, eventId: eventIdOf(tag, "samples", serial), application, at: at(0) };
  const whole: unknown = { ...head, ...plain[tag], ...fields };
  return whole as ReleaseEventOf<Tag>;
};

/** The way of a release, event by event, from its request to its completion. */
export const wayTo = (releaseId = RELEASE, fields: Partial<ReleaseEventOf<"ReleaseRequested">> = {}) => {
  const requested: ReadonlyArray<ReleaseEvent> = [event("ReleaseRequested", { releaseId, ...fields })];
  const gatePassed = [...requested, event("OfflineGatePassed", { releaseId })];
  const shadow = [...gatePassed, event("ShadowStarted", { releaseId })];
  const shadowPassed = [...shadow, event("ShadowPassed", { releaseId })];
  const canary = [...shadowPassed, event("CanaryStepStarted", { releaseId, at: at(100) })];
  const stepPassed = [...canary, event("CanaryStepPassed", { releaseId, at: at(160) })];
  const lastStep = [
    ...stepPassed,
    event("CanaryStepStarted", { releaseId, step: 1, share: 0.25, at: at(160) }),
    event("CanaryStepPassed", { releaseId, step: 1, evidence: canaryEvidence(1), at: at(220) }),
    event("CanaryStepStarted", { releaseId, step: 2, share: 1, at: at(220) }),
  ];
  const lastStepPassed = [
    ...lastStep,
    event("CanaryStepPassed", { releaseId, step: 2, evidence: canaryEvidence(2), at: at(280) }),
  ];
  const breached = [...canary, event("CanaryBreached", { releaseId, at: at(130) })];
  const completed = [
    ...lastStepPassed,
    event("ReleaseCompleted", { releaseId, baseline: requestedDigest(requested), at: at(280) }),
  ];
  const blocked = [...requested, event("OfflineGateBlocked", { releaseId })];
  return {
    requested,
    gatePassed,
    shadow,
    shadowPassed,
    canary,
    stepPassed,
    lastStep,
    lastStepPassed,
    breached,
    completed,
    blocked,
  };
};

const requestedDigest = ([first]: ReadonlyArray<ReleaseEvent>): Digest =>
  first?._tag === "ReleaseRequested" ? first.candidate.digest : bundle("new").digest;

/** Every command with plain values. */
export const commands: {
  readonly [Tag in ReleaseCommand["_tag"]]: Extract<ReleaseCommand, { readonly _tag: Tag }>;
} = (() => {
  const head = { application, at: at(500) };
  const one = { ...head, releaseId: RELEASE };
  const said = { author: author(), reason: "seen in the logs", commandId: "command-1" };
  const { releaseId: _, ...wish } = plain.ReleaseRequested;
  const { sentence, since } = plain.CanaryBreached;
  const { gateways, routingVersion } = plain.MitigationConfirmed;
  return {
    RegisterApplication: { ...head, _tag: "RegisterApplication", ...plain.ApplicationRegistered },
    RequestRelease: { ...one, _tag: "RequestRelease", ...wish },
    RecordGateReport: { ...one, _tag: "RecordGateReport", report: gateReport("passed") },
    OverrideGate: {
      ...one,
      _tag: "OverrideGate",
      ...said,
      author: author("approver"),
      incident: "INC-7",
      expiresAt: null,
    },
    ExpireOverride: { ...one, _tag: "ExpireOverride" },
    StartShadow: { ...one, _tag: "StartShadow" },
    RecordShadowVerdict: { ...one, _tag: "RecordShadowVerdict", verdict: "passed", evidence: shadowEvidence },
    StartCanary: { ...one, _tag: "StartCanary" },
    AdvanceCanary: { ...one, _tag: "AdvanceCanary", evidence: canaryEvidence(0) },
    HoldCanary: { ...one, _tag: "HoldCanary", cause: "no-data", waitsFor: "data", until: at(900), evidence: null },
    EndHold: { ...one, _tag: "EndHold" },
    BreachCanary: { ...one, _tag: "BreachCanary", cause: "metric", sentence, since, evidence: null },
    ConfirmMitigation: { ...one, _tag: "ConfirmMitigation", gateways, routingVersion },
    RollBackRelease: { ...one, _tag: "RollBackRelease", unacknowledged: ["gw-2"] },
    PauseRelease: { ...one, _tag: "PauseRelease", ...said },
    ResumeRelease: { ...one, _tag: "ResumeRelease", ...said },
    SkipHold: { ...one, _tag: "SkipHold", ...said },
    AbortRelease: { ...one, _tag: "AbortRelease", ...said },
    RollBackBaseline: { ...head, _tag: "RollBackBaseline", ...said, to: bundle("old").digest },
    RecordPageSent: {
      ...one,
      _tag: "RecordPageSent",
      dedupKey: dedupKeyOf(RELEASE),
      channel: "webhook",
      notTakenBy: [],
    },
    RecordPageResolved: { ...one, _tag: "RecordPageResolved", dedupKey: dedupKeyOf(RELEASE), channel: "webhook" },
    RecordPageUndelivered: { ...one, _tag: "RecordPageUndelivered", ...plain.PageUndelivered },
    RecordNoticeSent: { ...one, _tag: "RecordNoticeSent", ...plain.NoticeSent },
    FreezeReleases: { ...head, _tag: "FreezeReleases", ...plain.ReleasesFrozen },
    StopReleases: { ...head, _tag: "StopReleases", ...plain.ReleasesStopped },
    LiftFreeze: { ...head, _tag: "LiftFreeze", ...plain.ReleasesUnfrozen },
    RequestErasure: { ...head, _tag: "RequestErasure", ...plain.ErasureRequested },
    ConcludeErasure: { ...head, _tag: "ConcludeErasure", ...plain.PayloadsErased },
  };
})();
