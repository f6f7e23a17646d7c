import {
  type GatewayReport,
  gatewaysTopic,
  type Observation,
  type ObservationEvent,
  observationsTopic,
  type Routing,
  routingTopic,
  timestampOf,
} from "@sluice/contracts";
import { EventBus } from "@sluice/event-bus";
import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import { APPLICATION, type Cast } from "./scenario.ts";

const REQUESTS_PER_SECOND = 12;
const PAIRS_PER_SECOND = 8;

/** What outlives a crash of a gateway: its disk. */
export interface Disk {
  routing: Routing | null;
}

/** A gateway that serves even traffic by the newest routing it knows, acknowledges it, mirrors in the shadow, and observes. */
export const simulatedGateway = Effect.fnUntraced(function* (gatewayId: string, disk: Disk, cast: Cast) {
  const bus = yield* EventBus;
  const now = Effect.map(Clock.currentTimeMillis, timestampOf);
  const report = Effect.gen(function* () {
    yield* bus.publish(gatewaysTopic, [reportOf(gatewayId, disk.routing, yield* now)]);
  });
  yield* bus.follow(routingTopic, (batch) =>
    Effect.suspend(() => {
      for (const { event } of batch) if (event.version >= (disk.routing?.version ?? 0)) disk.routing = event;
      return Effect.ignore(report);
    }),
  );
  const second = Effect.gen(function* () {
    const routing = disk.routing;
    if (routing) {
      const events = eventsOf(gatewayId, routing, cast, yield* Clock.currentTimeMillis);
      // What was measured is sent until it is taken, in order.
      yield* Effect.retry(bus.publish(observationsTopic, events), { times: 20 });
    }
    yield* report;
  });
  yield* Effect.forkScoped(Effect.forever(Effect.andThen(Effect.sleep("1 second"), Effect.ignore(second))));
});

const reportOf = (gatewayId: string, routing: Routing | null, at: string): GatewayReport => ({
  _tag: "GatewayReported",
  gatewayId,
  at,
  live: true,
  routing: routing ? { [APPLICATION]: routing.version } : {},
  candidateLastServedAt: {},
  dropped: { observations: 0, payloads: 0, mirrored: 0 },
});

const eventsOf = (gatewayId: string, routing: Routing, cast: Cast, atMs: number): ReadonlyArray<ObservationEvent> => {
  const { candidate } = routing;
  const silent = candidate !== null && candidate.share > 0 && cast.kindOf(candidate.digest) === "silent";
  const onCandidate = Math.round(REQUESTS_PER_SECOND * (candidate?.share ?? 0));
  const served = silent ? 0 : REQUESTS_PER_SECOND;
  const observations = Array.from({ length: candidate ? served : 0 }, (_, i) =>
    observationOf(gatewayId, routing, cast, i < onCandidate ? "candidate" : "baseline", atMs, i),
  );
  const through = timestampOf(atMs);
  const batch: ObservationEvent = {
    _tag: "ObservationsRecorded",
    batchId: `${gatewayId}/${atMs}`,
    gatewayId,
    application: APPLICATION,
    through,
    observations,
  };
  return candidate?.mirror ? [batch, ...pairsOf(gatewayId, routing, cast, atMs)] : [batch];
};

const measured = (failed: boolean, i: number) => ({
  status: failed ? 500 : 200,
  errorClass: failed ? ("upstream-5xx" as const) : null,
  latencyMs: 100 + ((i * 53) % 400),
  timeToFirstTokenMs: null,
  inputTokens: null,
  outputTokens: null,
  finishReason: failed ? null : "stop",
  refused: failed ? null : false,
});

const observationOf = (
  gatewayId: string,
  { baseline, candidate }: Routing,
  cast: Cast,
  arm: "baseline" | "candidate",
  atMs: number,
  i: number,
): Observation => {
  const digest = arm === "candidate" && candidate ? candidate.digest : baseline.digest;
  const kind = arm === "candidate" ? cast.kindOf(digest) : "healthy";
  const id = `${gatewayId}/${atMs}/${i}`;
  const endedAtMs = atMs - 1 - ((i * 37) % 900);
  return {
    observationId: id,
    application: APPLICATION,
    releaseId: candidate?.releaseId ?? null,
    arm,
    role: "user",
    assignedBundle: digest,
    servedBundle: kind === "mislabelled" ? baseline.digest : digest,
    clusterKey: id,
    gatewayId,
    startedAt: timestampOf(endedAtMs - 100),
    endedAt: timestampOf(endedAtMs),
    streamed: false,
    ...measured(kind === "failing", i),
  };
};

const pairsOf = (
  gatewayId: string,
  { baseline, candidate }: Routing,
  cast: Cast,
  atMs: number,
): ReadonlyArray<ObservationEvent> =>
  candidate
    ? Array.from({ length: PAIRS_PER_SECOND }, (_, i): ObservationEvent => {
        const id = `${gatewayId}/${atMs}/pair-${i}`;
        const score = i % 4 === 0 ? "0" : "1";
        const worse = cast.kindOf(candidate.digest) === "worse";
        return {
          _tag: "ShadowPairRecorded",
          pairId: id,
          gatewayId,
          application: APPLICATION,
          releaseId: candidate.releaseId,
          at: timestampOf(atMs),
          clusterKey: id,
          input: "question",
          baseline: { bundle: baseline.digest, output: score, ...measured(false, i) },
          candidate: { bundle: candidate.digest, output: worse ? "0" : score, ...measured(false, i) },
        };
      })
    : [];
