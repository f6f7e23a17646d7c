import type * as Schema from "effect/Schema";
import { CanaryProgress } from "./canary-progress.ts";
import { JudgementEvent, ObservationEvent } from "./observation.ts";
import { ReleaseEvent } from "./release-event.ts";
import { ReleaseState } from "./release-state.ts";
import { GatewayReport, Routing } from "./routing.ts";

export interface Topic<Event extends { readonly _tag: string }> {
  readonly name: string;
  readonly schema: Schema.Codec<Event, unknown>;
  /** `compacted` keeps the last record of each key; `forever` keeps all; else days. */
  readonly retention: "compacted" | "forever" | { readonly days: number };
  readonly partitions: number;
  /** Order is kept among records of one key. */
  readonly keyOf: (event: Event) => string;
  /** The CloudEvents id: equal for a repeated event, so that consumers can drop it. */
  readonly idOf: (event: Event) => string;
}

const byApplication = (event: { readonly application: string }) => event.application;

export const releasesTopic: Topic<ReleaseEvent> = {
  name: "sluice.releases.v1",
  schema: ReleaseEvent,
  retention: "forever",
  partitions: 4,
  keyOf: byApplication,
  idOf: (event) => event.eventId,
};
export const routingTopic: Topic<Routing> = {
  name: "sluice.routing.v1",
  schema: Routing,
  retention: "compacted",
  partitions: 4,
  keyOf: byApplication,
  idOf: (event) => `${event.application}/${event.version}`,
};
export const releaseStateTopic: Topic<ReleaseState> = {
  name: "sluice.release-state.v1",
  schema: ReleaseState,
  retention: "compacted",
  partitions: 4,
  keyOf: byApplication,
  idOf: (event) => `${event.application}/${event.version}`,
};
export const canaryProgressTopic: Topic<CanaryProgress> = {
  name: "sluice.canary-progress.v1",
  schema: CanaryProgress,
  retention: "compacted",
  partitions: 4,
  keyOf: byApplication,
  idOf: (event) => `${event.application}/${event.releaseId}/${event.step}/${event.at}`,
};
export const gatewaysTopic: Topic<GatewayReport> = {
  name: "sluice.gateways.v1",
  schema: GatewayReport,
  retention: "compacted",
  partitions: 1,
  keyOf: (report) => report.gatewayId,
  idOf: (report) => `${report.gatewayId}/${report.at}`,
};
export const observationsTopic: Topic<ObservationEvent> = {
  name: "sluice.observations.v1",
  schema: ObservationEvent,
  retention: { days: 7 },
  partitions: 4,
  keyOf: byApplication,
  idOf: (event) => (event._tag === "ObservationsRecorded" ? event.batchId : event.pairId),
};
export const judgementsTopic: Topic<JudgementEvent> = {
  name: "sluice.judgements.v1",
  schema: JudgementEvent,
  retention: { days: 30 },
  partitions: 4,
  keyOf: byApplication,
  idOf: (event) => event.judgementId,
};
export const topics = [
  releasesTopic,
  routingTopic,
  releaseStateTopic,
  canaryProgressTopic,
  gatewaysTopic,
  observationsTopic,
  judgementsTopic,
] as const;
