import { ArtifactStore, layerMemory as artifactsInMemory } from "@sluice/artifact-store";
import {
  type Bundle,
  canonicalJson,
  digestOf,
  type GatewayReport,
  gatewaysTopic,
  type JudgementEvent,
  judgementsTopic,
  type Observation,
  observationsTopic,
  Policy,
  type Routing,
  referenceOf,
  routingTopic,
  timestampOf,
} from "@sluice/contracts";
import { layerMemory as busInMemory, EventBus } from "@sluice/event-bus";
import { layerMemory as pagerInMemory } from "@sluice/pager";
import type { ReleaseCommand } from "@sluice/release";
import { gateReport, shadowEvidence } from "@sluice/release/testing/samples";
import { ReleaseLog } from "@sluice/release-log";
import { layerMemory as telemetryInMemory } from "@sluice/telemetry";
import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import * as References from "effect/References";
import * as Schema from "effect/Schema";
import { TestClock } from "effect/testing";

export const application = "support-bot";
export const releaseId = "rel-1";

const ports = ReleaseLog.layer.pipe(
  Layer.provideMerge(Layer.mergeAll(busInMemory, artifactsInMemory, telemetryInMemory, pagerInMemory)),
  Layer.merge(Layer.succeed(References.MinimumLogLevel, "None")),
);

export type ControllerPorts = Layer.Success<typeof ports>;

const bundle = (text: string): Bundle => ({
  prompt: { kind: "prompt", messages: [{ role: "system", content: text }] },
  model: { kind: "model", provider: "main", model: "m-1", parameters: {} },
});
const [oldBundle, newBundle] = [bundle("old"), bundle("new")];
export const baseline = referenceOf(oldBundle);
export const candidate = referenceOf(newBundle);

export const policy = (canary: Record<string, unknown> = {}): Policy =>
  Schema.decodeUnknownSync(Policy)({
    canary: {
      windowSeconds: 1,
      steps: [
        { share: 0.2, holdSeconds: 6, minRequests: 40 },
        { share: 1, holdSeconds: 6, minRequests: 40 },
      ],
      holdDeadlineSeconds: 20,
      mitigationDeadlineSeconds: 10,
      metrics: { quality: { sampleRate: 0 } },
      ...canary,
    },
  });

/** A test begins on a morning: nothing may be started before, or it would live through the years since 1970. */
export const onAMorning = <A, E, R>(body: Effect.Effect<A, E, R>) =>
  Effect.andThen(TestClock.setTime(Date.UTC(2026, 0, 31, 9)), body).pipe(Effect.provide(ports));

const now = Effect.map(Clock.currentTimeMillis, timestampOf);

const submitAll = Effect.fnUntraced(function* (commands: ReadonlyArray<ReleaseCommand>) {
  const log = yield* ReleaseLog;
  for (const command of commands) yield* log.submit(command);
});

/** Brings a release to `shadow-passed`: from there on the controller has it. */
export const passedShadow = Effect.fnUntraced(function* (of: Policy = policy()) {
  const store = yield* ArtifactStore;
  for (const part of [oldBundle.prompt, oldBundle.model, newBundle.prompt]) yield* store.put(canonicalJson(part));
  const at = yield* now;
  const author = { id: "ada", role: "admin" } as const;
  const head = { application, releaseId, at };
  yield* submitAll([
    { _tag: "RegisterApplication", application, at, baseline, author },
    {
      _tag: "RequestRelease",
      ...head,
      candidate,
      policy: of,
      evidence: null,
      author,
      team: "support",
      description: "",
      commit: null,
      link: null,
      mergedAt: null,
    },
    { _tag: "RecordGateReport", ...head, report: gateReport("passed") },
    { _tag: "StartShadow", ...head },
    { _tag: "RecordShadowVerdict", ...head, verdict: "passed", evidence: shadowEvidence },
  ]);
});

/** How the simulated gateway behaves; tests change it while it runs. */
export interface GatewayBehaviour {
  requestsPerSecond: number;
  candidateErrorRate: number;
  /** Each arm's first ten answers of a second are scored so; null: nobody judges. */
  scores: { readonly baseline: number; readonly candidate: number } | null;
  /** False: it goes on with the routing it has, and says so. */
  takesRouting: boolean;
  sendsObservations: boolean;
}

export interface SimulatedGateway extends GatewayBehaviour {
  readonly gatewayId: string;
  /** Every routing that it was given. */
  readonly given: Array<Routing>;
  served: Routing | null;
  /** Requests that the candidate has answered so far. */
  candidateRequests: number;
}

/** A gateway that serves even traffic by its routing, reports each second and at every change, and sends observations. */
export const simulatedGateway = Effect.fnUntraced(function* (gatewayId = "gw-1") {
  const bus = yield* EventBus;
  const gateway: SimulatedGateway = {
    gatewayId,
    requestsPerSecond: 100,
    candidateErrorRate: 0,
    scores: null,
    takesRouting: true,
    sendsObservations: true,
    given: [],
    served: null,
    candidateRequests: 0,
  };
  const report = Effect.gen(function* () {
    yield* bus.publish(gatewaysTopic, [reportOf(gateway, yield* now)]);
  });
  yield* bus.follow(routingTopic, (batch) =>
    Effect.gen(function* () {
      for (const { event } of batch) {
        gateway.given.push(event);
        if (gateway.takesRouting) gateway.served = event;
      }
      yield* report;
    }),
  );
  const second = Effect.gen(function* () {
    const at = yield* Clock.currentTimeMillis;
    if (gateway.sendsObservations && gateway.served?.candidate) {
      const batch = batchOf(gateway, gateway.served, at);
      yield* bus.publish(observationsTopic, [batch]);
      if (gateway.scores) yield* bus.publish(judgementsTopic, judgementsOf(batch.observations, gateway.scores));
    }
    yield* report;
  });
  yield* Effect.forkScoped(Effect.forever(Effect.andThen(Effect.sleep("1 second"), second)));
  return gateway;
});

const reportOf = ({ gatewayId, served }: SimulatedGateway, at: string): GatewayReport => ({
  _tag: "GatewayReported",
  gatewayId,
  at,
  live: true,
  routing: served ? { [application]: served.version } : {},
  candidateLastServedAt: {},
  dropped: { observations: 0, payloads: 0, mirrored: 0 },
});

/** One second's requests, which ended within the second before `atMs`; its watermark is `atMs`. */
const batchOf = (gateway: SimulatedGateway, routing: Routing, atMs: number) => {
  const share = routing.candidate?.share ?? 0;
  const onCandidate = Math.round(gateway.requestsPerSecond * share);
  gateway.candidateRequests += onCandidate;
  const observations = Array.from({ length: gateway.requestsPerSecond }, (_, i) => {
    const arm = i < onCandidate ? "candidate" : "baseline";
    const failed = arm === "candidate" && i < onCandidate * gateway.candidateErrorRate;
    return observationOf(gateway.gatewayId, routing, arm, failed, atMs, i);
  });
  return {
    _tag: "ObservationsRecorded" as const,
    batchId: `${gateway.gatewayId}/${atMs}`,
    gatewayId: gateway.gatewayId,
    application,
    through: timestampOf(atMs),
    observations,
  };
};

const judgementsOf = (
  observations: ReadonlyArray<Observation>,
  scores: NonNullable<GatewayBehaviour["scores"]>,
): ReadonlyArray<JudgementEvent> =>
  (["baseline", "candidate"] as const).flatMap((arm) =>
    observations
      .filter((observation) => observation.arm === arm)
      .slice(0, 10)
      .map(({ observationId, endedAt, clusterKey }) => ({
        _tag: "ResponseJudged" as const,
        judgementId: `judged/${observationId}`,
        application,
        releaseId,
        judge: digestOf("judge"),
        at: endedAt,
        observationId,
        arm,
        endedAt,
        clusterKey,
        score: scores[arm],
        error: null,
      })),
  );

const observationOf = (
  gatewayId: string,
  routing: Routing,
  arm: "baseline" | "candidate",
  failed: boolean,
  atMs: number,
  i: number,
): Observation => {
  const digest = arm === "candidate" ? candidate.digest : baseline.digest;
  const endedAtMs = atMs - 1 - ((i * 37) % 999);
  return {
    observationId: `${gatewayId}/${atMs}/${i}`,
    application,
    releaseId: routing.candidate?.releaseId ?? null,
    arm,
    role: "user",
    assignedBundle: digest,
    servedBundle: digest,
    clusterKey: `${gatewayId}/${atMs}/${i}`,
    gatewayId,
    startedAt: timestampOf(endedAtMs - 100),
    endedAt: timestampOf(endedAtMs),
    streamed: false,
    status: failed ? 500 : 200,
    errorClass: failed ? "upstream-5xx" : null,
    latencyMs: 100 + ((i * 53) % 400),
    timeToFirstTokenMs: null,
    inputTokens: null,
    outputTokens: null,
    finishReason: failed ? null : "stop",
    refused: failed ? null : false,
  };
};

/** Lets time pass in quarters of a second, and everything that waits for it run. */
export const pass = Effect.fnUntraced(function* (seconds: number) {
  for (let i = 0; i < seconds * 4; i++) {
    yield* TestClock.adjust("250 millis");
    for (let turn = 0; turn < 40; turn++) yield* Effect.yieldNow;
  }
});
