import { createHash, randomUUID } from "node:crypto";
import {
  type Bundle,
  DecidedBody,
  digestOf,
  hasEnded,
  ReleaseBody,
  type ReleaseId,
  type ReleasePhase,
  referenceOf,
  timestampOf,
} from "@sluice/contracts";
import { type EvalCase, evalSetOf, runEvalSet, taskOf } from "@sluice/simulator";
import * as Effect from "effect/Effect";
import * as Option from "effect/Option";
import * as Stream from "effect/Stream";
import { putArtifact, putBundle } from "../artifacts.ts";
import { registryStream } from "../event-stream.ts";
import { type Exit, internalError } from "../exit.ts";
import { askRegistry, callRegistry, type RegistryAddress } from "../registry-client.ts";
import { readRegistry } from "../verbs/release-read.ts";
import { type DemoApplication, type DemoRelease, demoPolicy, safetyProbeLines } from "./scenarios.ts";

export interface Stage {
  /** What CI, an operator and an approver use: three tokens, three people. */
  readonly ci: RegistryAddress;
  readonly operator: RegistryAddress;
  readonly approver: RegistryAddress;
  /** The simulated model server. */
  readonly models: string;
}

export interface Outcome {
  readonly application: string;
  readonly title: string;
  readonly releaseId: ReleaseId;
  /** As it came, for instance ["blocked", "completed"] after an override. */
  readonly phases: ReadonlyArray<ReleasePhase>;
  readonly expected: ReadonlyArray<ReleasePhase>;
}

export const registerApplication = Effect.fnUntraced(function* (stage: Stage, application: DemoApplication) {
  const baseline = yield* putBundle(stage.ci, application.baseline);
  yield* callRegistry(stage.operator, {
    method: "POST",
    path: "/v1/applications",
    body: { application: application.application, baseline },
  });
});

/** The application's releases, one after the other, each to its end. */
export const runReleases = (stage: Stage, application: DemoApplication): Effect.Effect<ReadonlyArray<Outcome>, Exit> =>
  Effect.gen(function* () {
    const outcomes: Array<Outcome> = [];
    // The second release of an application is compared with what the first one left as its baseline.
    let baseline = application.baseline;
    for (const release of application.releases) {
      const releaseId = yield* requestRelease(stage, application, baseline, release);
      const first = yield* phaseAtEnd(stage.ci, releaseId, hasEnded);
      const overridden =
        release.override && first === "blocked" ? yield* overrideGate(stage, releaseId, release.override.reason) : [];
      const phases = [first, ...overridden];
      if (phases.at(-1) === "completed") baseline = release.candidate;
      outcomes.push({
        application: application.application,
        title: release.title,
        releaseId,
        phases,
        expected: [release.expected, ...(release.override ? [release.override.expected] : [])],
      });
    }
    return outcomes;
  });

const overrideGate = Effect.fnUntraced(function* (stage: Stage, releaseId: ReleaseId, reason: string) {
  yield* callRegistry(stage.approver, {
    method: "POST",
    path: `/v1/releases/${releaseId}/override`,
    body: { reason },
    idempotencyKey: randomUUID(),
  });
  return [yield* phaseAtEnd(stage.ci, releaseId, (phase) => phase !== "blocked" && hasEnded(phase))];
});

/** Runs the eval set on both bundles, as CI would, and asks for the release with the results as evidence. */
const requestRelease = Effect.fnUntraced(function* (
  stage: Stage,
  { application, team }: DemoApplication,
  baseline: Bundle,
  release: DemoRelease,
) {
  const mergedAt = timestampOf(Date.now());
  const cases = evalSetOf(release.evalSet);
  const evidence = {
    evalSet: digestOf(cases),
    baseline: yield* evaluate(stage, baseline, cases),
    candidate: yield* evaluate(stage, release.candidate, cases),
    producedAt: timestampOf(Date.now()),
  };
  const probes = yield* putArtifact(
    stage.ci,
    safetyProbeLines(Array.from({ length: 8 }, (_, i) => taskOf("privacy", 2_000_000_000 + i).text)),
  );
  const request = {
    method: "POST",
    path: "/v1/releases",
    body: {
      application,
      team,
      candidate: yield* putBundle(stage.ci, release.candidate),
      policy: demoPolicy(probes, release.shadowSampleRate),
      evidence,
      description: release.title,
      commit: createHash("sha1").update(release.title).digest("hex"),
      mergedAt,
    },
    idempotencyKey: randomUUID(),
  } as const;
  const { value } = yield* askRegistry(stage.ci, request, DecidedBody);
  return value.releaseId ?? (yield* internalError(`the registry named no release for ${release.title}`));
});

const evaluate = Effect.fnUntraced(function* (stage: Stage, bundle: Bundle, cases: ReadonlyArray<EvalCase>) {
  const lines = yield* Effect.tryPromise({
    try: () => runEvalSet(stage.models, bundle, cases),
    catch: (cause) => internalError(`the simulated model server failed an eval run: ${String(cause)}`),
  });
  const results = yield* putArtifact(stage.ci, `${lines.map((line) => JSON.stringify(line)).join("\n")}\n`);
  return { bundle: referenceOf(bundle).digest, results };
});

/** Waits for the record to say that the release has ended in one of the wanted ways. */
const phaseAtEnd = (
  address: RegistryAddress,
  releaseId: ReleaseId,
  wanted: (phase: ReleasePhase) => boolean,
): Effect.Effect<ReleasePhase, Exit> =>
  registryStream(address).pipe(
    Stream.filter(
      ({ ...message }) =>
        message._tag === "State" ||
        (message._tag === "Event" &&
          "releaseId" in message.recorded.event &&
          message.recorded.event.releaseId === releaseId),
    ),
    Stream.mapEffect(() => readRegistry(address, `/v1/releases/${releaseId}`, ReleaseBody)),
    Stream.map(({ release }) => release.phase),
    Stream.filter(wanted),
    Stream.runHead,
    Effect.flatMap(
      Option.match({
        onNone: () => Effect.fail(internalError(`the registry stopped before ${releaseId} ended`)),
        onSome: Effect.succeed,
      }),
    ),
  );
