import type { EventType } from "../event-descriptions.ts";

export type Channel =
  | "releases"
  | "routing"
  | "release-state"
  | "canary-progress"
  | "gateways"
  | "observations"
  | "judgements"
  | "dead-letters";

export interface Flow {
  readonly service: "gate" | "gateway" | "shadow-judge" | "canary-controller" | "registry" | "ci";
  readonly action: "send" | "receive";
  readonly channel: Channel;
  /** Left out: every event of the channel. */
  readonly types?: ReadonlyArray<EventType>;
}

/** Who sends and who receives what. Every service that decides folds the whole release log. */
export const flows: ReadonlyArray<Flow> = [
  { service: "ci", action: "send", channel: "releases", types: ["ReleaseRequested"] },

  { service: "gate", action: "receive", channel: "releases" },
  {
    service: "gate",
    action: "send",
    channel: "releases",
    types: [
      "OfflineGatePassed",
      "OfflineGateBlocked",
      "OfflineGateInconclusive",
      "OfflineGateInvalid",
      "OverrideExpired",
    ],
  },

  { service: "gateway", action: "receive", channel: "routing" },
  { service: "gateway", action: "send", channel: "gateways" },
  { service: "gateway", action: "send", channel: "observations" },

  { service: "shadow-judge", action: "receive", channel: "releases" },
  { service: "shadow-judge", action: "receive", channel: "observations" },
  {
    service: "shadow-judge",
    action: "send",
    channel: "releases",
    types: ["ShadowStarted", "ShadowPassed", "ShadowRegressed", "ShadowInconclusive"],
  },
  { service: "shadow-judge", action: "send", channel: "judgements", types: ["PairJudged", "ResponseJudged"] },

  { service: "canary-controller", action: "receive", channel: "releases" },
  { service: "canary-controller", action: "receive", channel: "gateways" },
  { service: "canary-controller", action: "receive", channel: "observations" },
  { service: "canary-controller", action: "receive", channel: "judgements" },
  {
    service: "canary-controller",
    action: "send",
    channel: "releases",
    types: [
      "CanaryStepStarted",
      "CanaryStepPassed",
      "CanaryHeld",
      "CanaryHoldEnded",
      "CanaryBreached",
      "MitigationConfirmed",
      "ReleaseRolledBack",
      "ReleaseCompleted",
      "PageSent",
      "PageResolved",
      "PageUndelivered",
      "NoticeSent",
      "ReleasesFrozen",
      "ReleasesStopped",
      "ReleasesUnfrozen",
    ],
  },
  { service: "canary-controller", action: "send", channel: "routing" },
  { service: "canary-controller", action: "send", channel: "canary-progress" },
  { service: "canary-controller", action: "send", channel: "judgements", types: ["SafetyProbeJudged"] },

  { service: "registry", action: "receive", channel: "releases" },
  { service: "registry", action: "receive", channel: "routing" },
  {
    service: "registry",
    action: "send",
    channel: "releases",
    types: [
      "ApplicationRegistered",
      "ReleaseRequested",
      "OverrideProposed",
      "GateOverridden",
      "ReleasePaused",
      "ReleaseResumed",
      "HoldSkipped",
      "ReleaseAborted",
      "BaselineRolledBack",
      "ReleasesFrozen",
      "ReleasesStopped",
      "ReleasesUnfrozen",
      "ErasureRequested",
      "PayloadsErased",
      "CanaryBreached",
    ],
  },
  { service: "registry", action: "send", channel: "release-state" },
  { service: "registry", action: "receive", channel: "canary-progress" },

  { service: "gate", action: "send", channel: "dead-letters" },
  { service: "gateway", action: "send", channel: "dead-letters" },
  { service: "shadow-judge", action: "send", channel: "dead-letters" },
  { service: "canary-controller", action: "send", channel: "dead-letters" },
  { service: "registry", action: "send", channel: "dead-letters" },
];
