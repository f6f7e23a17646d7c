import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import * as ArtifactStore from "@sluice/artifact-store";
import {
  type BundleReference,
  type CanaryEvidence,
  type CanaryProgress,
  canaryProgressTopic,
  digestOf,
  digestOfBytes,
  type GateReport,
  type PairJudged,
  Policy,
  type ReleaseEvent,
  type ReleaseEventOf,
  type Role,
  releasesTopic,
  type ShadowEvidence,
  type ShadowPairRecorded,
  timestampOf,
} from "@sluice/contracts";
import * as EventBus from "@sluice/event-bus";
import * as EventStore from "@sluice/event-store";
import { registryService } from "@sluice/registry";
import { decide, evolve, initialState, type ReleaseCommand } from "@sluice/release";
import { ReleaseLog } from "@sluice/release-log";
import * as Telemetry from "@sluice/telemetry";
import * as TokenStore from "@sluice/token-store";
import { newSigningKey } from "@sluice/transparency";
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import * as Layer from "effect/Layer";
import * as ManagedRuntime from "effect/ManagedRuntime";
import * as Schedule from "effect/Schedule";
import * as Schema from "effect/Schema";
import * as Scope from "effect/Scope";

// A real registry on a real log, with nobody else: the test itself says on the log what gate, shadow and controller would say, so
// that each moment of a release can be looked at for as long as it takes.

const roles = ["viewer", "ci", "operator", "approver", "admin"] as const;
export const tokenOf = (role: Role): string => `token-of-the-${role}`;

const golden = <Event>(path: string): Event =>
  JSON.parse(readFileSync(fileURLToPath(new URL(`../../contracts/golden/${path}`, import.meta.url)), "utf8"));
const sample = <Tag extends "OfflineGatePassed" | "OfflineGateBlocked" | "ShadowPassed" | "CanaryStepPassed">(
  tag: Tag,
) => golden<ReleaseEventOf<Tag>>(`sluice.releases.v1/${tag}.v1.json`);

export const reports: { readonly passed: GateReport; readonly blocked: GateReport } = {
  passed: sample("OfflineGatePassed").report,
  blocked: sample("OfflineGateBlocked").report,
};
export const shadowEvidence: ShadowEvidence = sample("ShadowPassed").evidence;
export const canaryEvidence = (step: number): CanaryEvidence => {
  const evidence = sample("CanaryStepPassed").evidence;
  return { ...evidence, step, windows: evidence.windows.map((window) => ({ ...window, step })) };
};
export const progressOf = (about: Partial<CanaryProgress>): CanaryProgress => ({
  ...golden<CanaryProgress>("sluice.canary-progress.v1/CanaryProgressed.v1.json"),
  ...about,
});

export const pairOf = (about: Partial<ShadowPairRecorded>): ShadowPairRecorded => ({
  ...golden<ShadowPairRecorded>("sluice.observations.v1/ShadowPairRecorded.v1.json"),
  ...about,
});
export const pairJudgementOf = (about: Partial<PairJudged>): PairJudged => ({
  ...golden<PairJudged>("sluice.judgements.v1/PairJudged.v1.json"),
  ...about,
});

export const bundle = (name: string): BundleReference => {
  const artifacts = { prompt: digestOf(`prompt ${name}`), model: digestOf("model") };
  return { digest: digestOf(artifacts), artifacts };
};
/** Without minimum times: the test says when a step has passed. */
export const policy: Policy = Schema.decodeUnknownSync(Policy)({
  canary: { steps: [0.01, 0.05, 0.25, 1].map((share) => ({ share, holdSeconds: 0, minRequests: 0 })) },
});

const ports = ReleaseLog.layer.pipe(
  Layer.provideMerge(
    Layer.mergeAll(
      EventBus.layerMemory,
      ArtifactStore.layerMemory,
      EventStore.layerMemory,
      Telemetry.layerMemory,
      TokenStore.layerMemory,
    ),
  ),
);

type WithoutTime<C> = C extends unknown ? Omit<C, "at"> & { readonly at?: string } : never;

export class DashboardStage {
  readonly #runtime = ManagedRuntime.make(ports);
  #registry: Scope.Closeable | null = null;
  readonly #signing = {
    signingKey: newSigningKey("sluice/record"),
    checkpointDirectory: mkdtempSync(join(tmpdir(), "sluice-dashboard-")),
    checkpointSeconds: 1,
  };
  url = "";

  /** Starts the registry, after a stop on the port that it had before. */
  async start(): Promise<void> {
    const scope = Scope.makeUnsafe();
    const port = this.url === "" ? 0 : Number(new URL(this.url).port);
    const tokens = roles.map((role) => ({ tokenDigest: digestOfBytes(tokenOf(role)), id: `the ${role}`, role }));
    const { address } = await this.#runtime.runPromise(
      registryService({ port, tokens, streamHeartbeatMs: 1_000, ...this.#signing }).pipe(
        Effect.provideService(Scope.Scope, scope),
      ),
    );
    this.#registry = scope;
    this.url = address;
  }

  /** Every connection breaks, and nobody answers any more; the log stays. */
  async stop(): Promise<void> {
    if (this.#registry) await Effect.runPromise(Scope.close(this.#registry, Exit.void));
    this.#registry = null;
  }

  async close(): Promise<void> {
    await this.stop();
    await this.#runtime.dispose();
    rmSync(this.#signing.checkpointDirectory, { recursive: true, force: true });
  }

  /** What a service or a person decides, now. */
  async say(...commands: ReadonlyArray<WithoutTime<ReleaseCommand>>): Promise<void> {
    for (const command of commands) {
      const dated = { at: timestampOf(Date.now()), ...command } as ReleaseCommand;
      await this.#runtime.runPromise(Effect.flatMap(ReleaseLog, (log) => log.submit(dated)));
    }
  }

  /** A look of the controller at a running step. */
  async tell(progress: CanaryProgress): Promise<void> {
    await this.#runtime.runPromise(
      Effect.flatMap(EventBus.EventBus, (bus) => bus.publish(canaryProgressTopic, [progress])),
    );
  }

  /** What gateways and judge have said of mirrored requests, as it was kept. */
  async keep(pairs: ReadonlyArray<ShadowPairRecorded>, judgements: ReadonlyArray<PairJudged>): Promise<void> {
    await this.#runtime.runPromise(
      Effect.flatMap(Telemetry.TelemetryStore, (store) =>
        Effect.andThen(store.insertPairs(pairs), store.insertJudgements(judgements)),
      ),
    );
  }

  async store(content: string): Promise<string> {
    return this.#runtime.runPromise(Effect.flatMap(ArtifactStore.ArtifactStore, (store) => store.put(content)));
  }

  /** The same for many, without a round trip for each. */
  async sayAtOnce(commands: ReadonlyArray<WithoutTime<ReleaseCommand>>): Promise<void> {
    const at = timestampOf(Date.now());
    const said = Effect.gen(function* () {
      const log = yield* ReleaseLog;
      const states = new Map(log.applications());
      const events: Array<ReleaseEvent> = [];
      for (const command of commands) {
        const state = states.get(command.application) ?? initialState(command.application);
        const decided = yield* Effect.fromResult(decide(state, { at, ...command } as ReleaseCommand));
        states.set(command.application, decided.reduce(evolve, state));
        events.push(...decided);
      }
      yield* (yield* EventBus.EventBus).publish(releasesTopic, events);
      const isFolded = () =>
        [...states].every(([name, { version }]) => log.applications().get(name)?.version === version);
      yield* Effect.repeat(Effect.sync(isFolded), {
        until: (folded) => folded,
        schedule: Schedule.spaced("20 millis"),
      });
    });
    await this.#runtime.runPromise(said);
  }

  register(application: string) {
    return this.say(registration(application));
  }

  request(...about: Parameters<typeof requestOf>) {
    return this.say(requestOf(...about));
  }

  /** From the request into the first step of the canary. */
  intoCanary(application: string, releaseId: string): Promise<void> {
    return this.say(...wayIntoCanary(application, releaseId));
  }
}

export const registration = (application: string): WithoutTime<ReleaseCommand> => ({
  _tag: "RegisterApplication",
  application,
  baseline: bundle("old"),
  author: { id: "the operator", role: "operator" },
});

export const requestOf = (
  application: string,
  releaseId: string,
  about: Partial<Extract<ReleaseCommand, { _tag: "RequestRelease" }>> = {},
): WithoutTime<ReleaseCommand> => ({
  _tag: "RequestRelease",
  application,
  releaseId,
  candidate: bundle("new"),
  policy,
  evidence: null,
  author: { id: "the ci", role: "ci" },
  team: "support",
  description: "Shorter answers",
  commit: "4f2c1d9e7b3a",
  link: "https://git.example.org/support/pull/7",
  mergedAt: null,
  ...about,
});

export const wayIntoCanary = (application: string, releaseId: string): ReadonlyArray<WithoutTime<ReleaseCommand>> => {
  const release = { application, releaseId };
  return [
    requestOf(application, releaseId),
    { _tag: "RecordGateReport", ...release, report: reports.passed },
    { _tag: "StartShadow", ...release },
    { _tag: "RecordShadowVerdict", ...release, verdict: "passed", evidence: shadowEvidence },
    { _tag: "StartCanary", ...release },
  ];
};
