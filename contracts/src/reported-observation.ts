import * as Schema from "effect/Schema";
import { Observation } from "./observation.ts";
import { Count } from "./primitives.ts";
import { withDefault } from "./with-default.ts";

const { application, gatewayId: _, endedAt: __, role: ___, ...reported } = Observation.fields;

/**
 * One request that a service has served itself, on the arm that `@sluice/client` gave it. It has no end: a gateway puts the
 * instant of the report there, because what ended before its watermark must already have been sent.
 */
export const ReportedObservation = Schema.Struct(reported).annotate({ identifier: "ReportedObservation" });
export type ReportedObservation = typeof ReportedObservation.Type;

/** `POST /v1/observations` of the gateway. Few at a time, because they are checked between users' requests. */
export const ReportedObservationsBody = Schema.Struct({
  application,
  observations: Schema.Array(ReportedObservation).check(Schema.isMaxLength(100)),
  /** Observations that the reporter had to drop since its last report: steps hold where something is missing. */
  dropped: withDefault(Count, 0),
}).annotate({ identifier: "ReportedObservationsBody" });
export type ReportedObservationsBody = typeof ReportedObservationsBody.Type;

export const ObservationsTakenBody = Schema.Struct({ taken: Count }).annotate({
  identifier: "ObservationsTakenBody",
});
