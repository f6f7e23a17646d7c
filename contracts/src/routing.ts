import * as Schema from "effect/Schema";
import { Bundle } from "./artifact.ts";
import { ApplicationName, Count, Digest, Positive, PositiveCount, Ratio, ReleaseId, Timestamp } from "./primitives.ts";

const RoutedBundle = Schema.Struct({ digest: Digest, bundle: Bundle });

/**
 * What gateways serve for one application; topic `sluice.routing.v1` (compacted, key application).
 * It carries the bundles' contents, so that a gateway can go on with nothing but its last routing.
 */
export const Routing = Schema.TaggedStruct("RoutingChanged", {
  application: ApplicationName,
  /** Rises with every change of the application; a gateway never goes back. */
  version: Count,
  at: Timestamp,
  baseline: RoutedBundle,
  candidate: Schema.NullOr(
    Schema.Struct({
      releaseId: ReleaseId,
      digest: Digest,
      bundle: Bundle,
      /** Share of users on the candidate; 0 while it is only shadowed or pinned. */
      share: Ratio,
      /** Fixed per release, so that ramping only adds users. */
      salt: Schema.String,
      mirror: Schema.NullOr(
        Schema.Struct({
          sampleRate: Ratio,
          concurrency: PositiveCount,
          queueLimit: PositiveCount,
          timeoutMs: PositiveCount,
          /** Share of the pairs whose texts are kept for people to look at; absent in old records: of all. */
          payloadSampleRate: Schema.optionalKey(Ratio),
        }),
      ),
      /** Share of responses whose text goes with the observation, for the quality judge. */
      payloadSampleRate: Ratio,
      maxUnwatchedSeconds: Positive,
    }),
  ),
}).annotate({ identifier: "Routing" });
export type Routing = typeof Routing.Type;

/**
 * A gateway's sign of life and acknowledgement of routings; topic `sluice.gateways.v1` (compacted, key gateway).
 */
export const GatewayReport = Schema.TaggedStruct("GatewayReported", {
  gatewayId: Schema.NonEmptyString,
  at: Timestamp,
  /** False once: the gateway is leaving in good order and need not be waited for. */
  live: Schema.Boolean,
  /** Routing version served, by application. */
  routing: Schema.Record(ApplicationName, Count),
  /** When a request was last served by the candidate, by application (absent: never). */
  candidateLastServedAt: Schema.Record(ApplicationName, Timestamp),
  /** Since the gateway started, over all applications. */
  dropped: Schema.Struct({ observations: Count, payloads: Count, mirrored: Count }),
}).annotate({ identifier: "GatewayReport" });
export type GatewayReport = typeof GatewayReport.Type;
