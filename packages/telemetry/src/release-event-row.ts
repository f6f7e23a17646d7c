import { epochMsOf, type ReleaseEvent, type Timestamp } from "@sluice/contracts";
import type { RecordedReleaseEvent } from "./telemetry-store.ts";

/** A release event flattened for analysts; null where its type has no such field. Times in epoch milliseconds. */
export interface ReleaseEventRow {
  readonly event_id: string;
  readonly application: string;
  /** Empty for events of the application itself. */
  readonly release_id: string;
  readonly type: string;
  readonly at: number;
  readonly accepted: boolean;
  readonly author_id: string;
  readonly author_role: string;
  readonly team: string;
  readonly reason: string;
  readonly step: number | null;
  readonly share: number | null;
  readonly cause: string;
  readonly sentence: string;
  /** Of a breach: start of the first window that shows it. */
  readonly since: number | null;
  /** Of a confirmed mitigation: when the last gateway acknowledged the pin. */
  readonly pinned_at: number | null;
  readonly merged_at: number | null;
  /** Mandatory holds by the policy of a request: the shadow's and each canary step's. */
  readonly shadow_hold_seconds: number | null;
  readonly step_hold_seconds: ReadonlyArray<number>;
  /** The whole event as JSON. */
  readonly payload: string;
}

export const releaseEventRow = ({ event, accepted, team, payload }: RecordedReleaseEvent): ReleaseEventRow => ({
  event_id: event.eventId,
  application: event.application,
  release_id: "releaseId" in event ? event.releaseId : "",
  type: event._tag,
  at: epochMsOf(event.at),
  accepted,
  author_id: "author" in event ? (event.author?.id ?? "") : "",
  author_role: "author" in event ? (event.author?.role ?? "") : "",
  team: team ?? (event._tag === "ReleaseRequested" ? event.team : ""),
  reason: "reason" in event ? event.reason : "",
  step: "step" in event ? event.step : null,
  share: "share" in event ? event.share : null,
  cause: "cause" in event ? event.cause : "",
  sentence: sentenceOf(event),
  since: event._tag === "CanaryBreached" ? epochMsOf(event.since) : null,
  pinned_at: event._tag === "MitigationConfirmed" ? latest(event.gateways.map((g) => g.acknowledgedAt)) : null,
  merged_at: event._tag === "ReleaseRequested" && event.mergedAt ? epochMsOf(event.mergedAt) : null,
  shadow_hold_seconds: event._tag === "ReleaseRequested" ? event.policy.shadow.minDurationSeconds : null,
  step_hold_seconds: event._tag === "ReleaseRequested" ? event.policy.canary.steps.map((s) => s.holdSeconds) : [],
  payload: payload ?? JSON.stringify(event),
});

const sentenceOf = (event: ReleaseEvent): string => {
  if ("sentence" in event) return event.sentence;
  if ("waitsFor" in event) return event.waitsFor;
  if ("report" in event) return event.report.reasons.map((reason) => reason.sentence).join(" ");
  return "evidence" in event && event.evidence && "sentence" in event.evidence ? event.evidence.sentence : "";
};

const latest = (instants: ReadonlyArray<Timestamp>): number | null =>
  instants.length === 0 ? null : Math.max(...instants.map(epochMsOf));
