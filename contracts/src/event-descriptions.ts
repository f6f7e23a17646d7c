import type { CanaryProgress } from "./canary-progress.ts";
import type { DeadLetter } from "./dead-letter.ts";
import type { JudgementEvent, ObservationEvent } from "./observation.ts";
import type { ReleaseEvent } from "./release-event.ts";
import type { ReleaseState } from "./release-state.ts";
import type { GatewayReport, Routing } from "./routing.ts";

export type EventType = (
  | ReleaseEvent
  | Routing
  | ReleaseState
  | CanaryProgress
  | GatewayReport
  | ObservationEvent
  | JudgementEvent
  | DeadLetter
)["_tag"];

/** One sentence for each event, for the published schemas and documents; the types demand that none is left out. */
export const eventDescriptions: { readonly [Tag in EventType]: string } = {
  ApplicationRegistered: "The bundle that an application serves before Sluice releases anything is known.",
  ReleaseRequested: "Somebody wants to replace an application's baseline by a candidate, under one policy.",
  OfflineGatePassed: "The eval results of the candidate are good enough for the shadow.",
  OfflineGateBlocked:
    "The candidate has regressed on the eval cases; the release waits for an override, or for nothing.",
  OfflineGateInconclusive: "There are too few eval results to tell.",
  OfflineGateInvalid: "The eval results themselves are unusable: missing, stale, of other bundles, or full of errors.",
  OverrideProposed:
    "A person with the role wants a blocked release past the offline gate; a second one has to confirm.",
  GateOverridden: "A person with the role has let a blocked release past the offline gate, with a reason.",
  OverrideExpired: "The override's time was over before its release was at 100 %; the release has ended as blocked.",
  ShadowStarted: "Production requests are mirrored to the candidate; users see the baseline's responses only.",
  ShadowPassed: "The judged pairs show no regression; users may meet the candidate from now on.",
  ShadowRegressed: "The candidate's mean judge score has regressed; the release has ended.",
  ShadowInconclusive: "The shadow's deadline came before its evidence; the release has ended.",
  CanaryStepStarted: "A share of users is on the candidate.",
  CanaryStepPassed: "The hold of a step is over, its requests were enough, and all its checks passed.",
  CanaryHeld: "The canary waits with a named cause and a deadline.",
  CanaryHoldEnded: "What the canary was held for is no longer so.",
  CanaryBreached: "A check has failed: all traffic is pinned to the baseline, and a page is due.",
  MitigationConfirmed: "Every live gateway has acknowledged the pin, and the digests served confirm it.",
  ReleaseRolledBack: "A breached release has ended; the baseline stays.",
  ReleaseCompleted: "The candidate has passed every step and is the new baseline.",
  ReleasePaused: "An operator has stopped a release from going forward; its checks go on.",
  ReleaseResumed: "An operator lets a paused release go on.",
  HoldSkipped: "An operator has skipped the rest of a step's hold; its checks are not skipped.",
  ReleaseAborted: "An operator has ended a release, in whatever phase; its traffic is on the baseline.",
  BaselineRolledBack:
    "An operator has gone back to a bundle that was fully released before; an active release has ended.",
  PageSent: "The page of a breach has been delivered.",
  PageResolved: "The page of a release that has ended has been resolved.",
  PageUndelivered: "No channel has taken a page or a notice so far; it is tried until one does.",
  NoticeSent: "The end of a release was told to the channels that want to know.",
  ReleasesFrozen: "Nothing goes forward in this application until it is lifted; rollbacks and aborts are exempt.",
  ReleasesStopped:
    "The emergency stop: a canary is pinned and rolled back, and nothing goes forward until it is lifted.",
  ReleasesUnfrozen: "A freeze or an emergency stop has been lifted.",
  ErasureRequested: "What was said under some cluster keys until now, or some artifacts, have to be erased.",
  PayloadsErased: "The texts of an erasure are gone from telemetry and artifacts; figures and digests stay.",
  RoutingChanged: "What gateways serve for one application, with the bundles' contents.",
  ReleaseStateChanged: "Where an application's releases stand: for all who only want to know.",
  CanaryProgressed: "How the present canary step stands: for all who watch; nothing is decided on it.",
  GatewayReported: "A gateway's sign of life, and its acknowledgement of routings.",
  ObservationsRecorded: "A batch of served requests as a gateway measured them, and how far its record is complete.",
  ShadowPairRecorded: "Both responses to one mirrored request; the user saw the baseline's.",
  PairJudged: "A judge's scores of both responses of a pair.",
  ResponseJudged: "A judge's score of one sampled live response.",
  SafetyProbeJudged: "Whether the candidate's answer to one probe of the curated safety set was what it must be.",
  RecordDeadLettered: "A record that could not be decoded, as it was, with the reason.",
};
